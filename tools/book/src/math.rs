//! `$...$` and `$$...$$` to MathML, at build time.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use mdbook_driver::book::Book;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use pulldown_latex::config::{DisplayMode, RenderConfig};
use pulldown_latex::{Storage, push_mathml};

/// The preprocessor: every formula of every page becomes MathML, or the build ends.
pub struct Formulas {
    /// Definitions put before each formula.
    macros: String,
}

impl Formulas {
    /// Reads the definitions that all formulas share.
    pub fn with_macros(path: &Path) -> Result<Self> {
        let macros = std::fs::read_to_string(path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(Self { macros })
    }

    /// A page with its formulas set. Markdown decides what is a formula, so code is left alone.
    fn page(&self, text: &str) -> Result<String> {
        let mut page = String::with_capacity(2 * text.len());
        let (mut done, mut code) = (0, false);
        for (event, range) in Parser::new_ext(text, markdown()).into_offset_iter() {
            let (source, mode) = match &event {
                Event::InlineMath(source) => (source, DisplayMode::Inline),
                Event::DisplayMath(source) => (source, DisplayMode::Block),
                Event::Start(Tag::CodeBlock(_)) => {
                    code = true;
                    continue;
                }
                Event::End(TagEnd::CodeBlock) => {
                    code = false;
                    continue;
                }
                Event::Text(words) if !code && words.contains('$') => {
                    if !text[..range.start].ends_with('\\') {
                        bail!("`$` without its partner near {words:?}; write \\$ for the sign");
                    }
                    continue;
                }
                _ => continue,
            };
            page.push_str(&text[done..range.start]);
            page.push_str(&match mode {
                DisplayMode::Inline => self.formula(source, mode)?,
                DisplayMode::Block => self.display(source)?,
            });
            done = range.end;
        }
        page.push_str(&text[done..]);
        Ok(page)
    }

    /// A displayed formula. Statements that `\\qquad` separates may stand below each other where the
    /// page is narrow.
    fn display(&self, source: &str) -> Result<String> {
        let statements = statements(source).into_iter();
        let set = statements
            .map(|part| Ok(format!("<span>{}</span>", self.formula(part, DisplayMode::Block)?)));
        Ok(format!("<span class=\"formula\">{}</span>", set.collect::<Result<String>>()?))
    }

    /// One formula as MathML that survives being read as Markdown once more.
    fn formula(&self, source: &str, display_mode: DisplayMode) -> Result<String> {
        let full = format!("{}{source}", self.macros);
        let storage = Storage::new();
        let events: Vec<_> = pulldown_latex::Parser::new(&full, &storage).collect();
        if let Some(error) = events.iter().find_map(|event| event.as_ref().err()) {
            bail!("formula {source:?}: {error}");
        }
        let config = RenderConfig {
            display_mode,
            annotation: Some(source.trim()),
            ..RenderConfig::default()
        };
        let mut mathml = String::new();
        push_mathml(&mut mathml, events.into_iter(), config)
            .with_context(|| format!("formula {source:?}"))?;
        Ok(not_markdown(&repaired(&mathml)))
    }
}

impl Preprocessor for Formulas {
    fn name(&self) -> &str {
        "formulas"
    }

    fn run(&self, _: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let mut problems = Vec::new();
        book.for_each_chapter_mut(|chapter| match self.page(&chapter.content) {
            Ok(page) => chapter.content = page,
            Err(error) => {
                let path = chapter.path.as_deref().unwrap_or(Path::new(&chapter.name));
                problems.push(format!("{}: {error:#}", path.display()));
            }
        });
        if problems.is_empty() { Ok(book) } else { bail!("{}", problems.join("\n  ")) }
    }
}

fn markdown() -> Options {
    Options::ENABLE_MATH | Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES
}

/// The parts of a displayed formula between `\\qquad`s that stand in no group and no environment.
fn statements(source: &str) -> Vec<&str> {
    const GAP: &str = "\\qquad";
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, _) in source.match_indices(['{', '}', '\\']) {
        let rest = &source[at..];
        if rest.starts_with('{') || rest.starts_with("\\begin") || rest.starts_with("\\left") {
            depth += 1;
        } else if rest.starts_with('}') || rest.starts_with("\\end") || rest.starts_with("\\right")
        {
            depth -= 1;
        } else if depth == 0 && rest.starts_with(GAP) {
            parts.push(&source[start..at]);
            start = at + GAP.len();
        }
    }
    parts.push(&source[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Puts right what `pulldown-latex` 0.8 gets wrong: the thin space before a named operator stands inside
/// of the element that gives the operator its index, as a child too many; and mu is the micro sign, which
/// browsers do not slant.
fn repaired(mathml: &str) -> String {
    let mut mathml = mathml.replace('\u{b5}', "\u{3bc}");
    const SPACE: &str = "<mspace width=\"0.1667em\" />";
    for element in ["msub", "msup", "msubsup", "munder", "mover", "munderover"] {
        mathml = mathml.replace(&format!("<{element}>{SPACE}"), &format!("{SPACE}<{element}>"));
    }
    mathml
}

/// Writes every sign of the text between tags that Markdown could take for its own as a reference,
/// and line ends as spaces: a blank line would end the paragraph. Puts a space between two attributes
/// where there is none (sized delimiters come so): Markdown takes no such tag for a tag.
fn not_markdown(html: &str) -> String {
    let mut safe = String::with_capacity(html.len());
    let (mut tag, mut quoted, mut value_ended) = (false, false, false);
    for sign in html.chars() {
        if std::mem::take(&mut value_ended) && sign.is_ascii_alphabetic() {
            safe.push(' ');
        }
        match sign {
            '<' => tag = true,
            '>' => tag = false,
            '"' if tag => {
                value_ended = quoted;
                quoted = !quoted;
            }
            _ => {}
        }
        let special = "*_[]`|\\~$'\"".contains(sign);
        match sign {
            '\n' => safe.push(' '),
            _ if special && !tag => {
                write!(safe, "&#{};", u32::from(sign)).expect("writing to a string");
            }
            _ => safe.push(sign),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Result<String> {
        Formulas { macros: "\\newcommand{\\KL}[2]{D(#1 \\Vert #2)}\n".into() }.page(text)
    }

    #[test]
    fn formulas_are_set_and_code_is_not() {
        let text = "a $x_1$ b `$y$`\n\n```sh\necho $HOME\n```\n\n$$\nz\n$$\n";
        let html = page(text).unwrap();
        assert_eq!(html.matches("<math").count(), 2, "{html}");
        assert!(html.contains("`$y$`") && html.contains("echo $HOME"), "{html}");
        assert!(html.contains("display=\"block\""), "{html}");
    }

    #[test]
    fn a_formula_passes_through_markdown_unharmed() {
        let html = page("| a |\n|---|\n| $[a]_* \\mid \\KL{q}{p_1}$ |\n").unwrap();
        let mut out = String::new();
        pulldown_cmark::html::push_html(&mut out, Parser::new_ext(&html, markdown()));
        assert!(!out.contains("<em>") && out.matches("<td>").count() == 1, "{out}");
        assert!(out.contains("\u{2225}") || out.contains("\u{2016}"), "the macro is used: {out}");
    }

    #[test]
    fn a_sized_delimiter_stays_a_tag() {
        let html = page("$\\bigl( x \\bigr]$").unwrap();
        let mut out = String::new();
        pulldown_cmark::html::push_html(&mut out, Parser::new_ext(&html, markdown()));
        assert!(!out.contains("&lt;"), "{out}");
        assert_eq!(out.matches("minsize").count(), 2, "{out}");
    }

    #[test]
    fn statements_are_split_outside_of_groups_only() {
        assert_eq!(statements("a = b, \\qquad c"), ["a = b, ", " c"]);
        for whole in
            ["\\frac{a \\qquad b}{c}", "\\begin{aligned} a \\qquad b \\end{aligned}", "\\quad a"]
        {
            assert_eq!(statements(whole), [whole]);
        }
        assert_eq!(statements("a \\qquad\\qquad b").len(), 2);
    }

    #[test]
    fn an_operator_with_an_index_keeps_both_and_mu_is_a_letter() {
        let html = page("$2\\operatorname{softmax}_k x$").unwrap();
        assert!(html.contains("<msub><mi>softmax</mi><mi>k</mi></msub>"), "{html}");
        assert!(page("$\\mu$").unwrap().contains("<mi>\u{3bc}</mi>"));
    }

    #[test]
    fn what_cannot_be_set_is_refused() {
        assert!(page("$\\nosuchcommand$").is_err());
        assert!(page("$\\left( x$").is_err());
        assert!(page("costs \\$5").is_ok());
    }
}
