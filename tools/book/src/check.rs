//! What must hold of the built pages: every internal link and image is there, every formula was set,
//! and a browser has nothing to fetch.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// What was looked at, and what is wrong.
#[derive(Default)]
pub struct Report {
    pub pages: usize,
    pub formulas: usize,
    /// Internal links, images and other files that pages name.
    pub references: usize,
    /// One line each: page and what is wrong there.
    pub problems: Vec<String>,
}

/// What one page holds.
#[derive(Default)]
struct Page {
    ids: BTreeSet<String>,
    /// Links that a reader follows.
    links: Vec<String>,
    /// Files that the browser loads by itself.
    assets: Vec<String>,
    formulas: usize,
    errors: usize,
    /// Whether the text being read is drawn as part of a formula.
    in_formula: bool,
    /// All text that is drawn in formulas.
    formula_text: String,
    /// The elements that are open in the formula being read, each with the number of its children.
    open: Vec<(String, usize)>,
    /// Elements with another number of children than MathML asks for: a browser draws nonsense.
    misshapen: Vec<String>,
}

/// How many children a MathML element must have, where the number is fixed.
fn children(element: &str) -> Option<usize> {
    match element {
        "mfrac" | "mroot" | "msub" | "msup" | "munder" | "mover" => Some(2),
        "msubsup" | "munderover" => Some(3),
        _ => None,
    }
}

/// Reads every page below `root` and follows what it names.
pub fn site(root: &Path) -> Result<Report> {
    let mut files = BTreeSet::new();
    list(root, Path::new(""), &mut files)?;
    let mut pages = BTreeMap::new();
    for path in files.iter().filter(|path| path.extension().is_some_and(|e| e == "html")) {
        let html = std::fs::read_to_string(root.join(path))
            .with_context(|| format!("{} cannot be read", path.display()))?;
        pages.insert(path.clone(), read(&html));
    }
    let mut report = Report { pages: pages.len(), ..Report::default() };
    for path in files.iter().filter(|path| path.extension().is_some_and(|e| e == "css")) {
        let css = std::fs::read_to_string(root.join(path))?;
        report.problems.extend(
            fetched_by_css(&css).map(|what| format!("{}: {what} would be fetched", path.display())),
        );
    }
    for (path, page) in &pages {
        report.formulas += page.formulas;
        let mut problem =
            |text: String| report.problems.push(format!("{}: {text}", path.display()));
        if page.errors > 0 {
            problem(format!("{} formulas that could not be set", page.errors));
        }
        if let Some(sign) =
            ["<m", "\\", "{", "}", "&"].iter().find(|&&s| page.formula_text.contains(s))
        {
            problem(format!("a formula shows {sign:?}, part of its source"));
        }
        for what in &page.misshapen {
            problem(format!("a formula holds {what}"));
        }
        let is_fetched = |asset: &&String| is_external(asset) && !asset.starts_with("data:");
        for asset in page.assets.iter().filter(is_fetched) {
            problem(format!("{asset} would be fetched"));
        }
        // The page for addresses that do not exist stands at no address of its own.
        if path.as_os_str() == "404.html" {
            continue;
        }
        for target in page.links.iter().chain(&page.assets).filter(|target| !is_external(target)) {
            report.references += 1;
            if let Err(what) = follow(path, target, &files, &pages) {
                problem(format!("{target}: {what}"));
            }
        }
    }
    Ok(report)
}

/// Addresses outside of the book that a style sheet loads.
fn fetched_by_css(css: &str) -> impl Iterator<Item = &str> {
    let addresses = css.split("url(").skip(1).chain(css.split("@import").skip(1));
    addresses
        .filter_map(|rest| rest.split([')', ';']).next())
        .map(|address| address.trim().trim_matches(['"', '\'']))
        .filter(|address| is_external(address) && !address.starts_with("data:"))
}

fn list(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(root, &path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

/// Whether an address leads out of the book (`https:`, `//host`, `mailto:`, `data:`).
fn is_external(address: &str) -> bool {
    let scheme = address.split(['/', '#', '?']).next().unwrap_or_default();
    address.starts_with("//") || scheme.contains(':')
}

/// Looks a target up as a browser would from `page`.
fn follow(
    page: &Path,
    target: &str,
    files: &BTreeSet<PathBuf>,
    pages: &BTreeMap<PathBuf, Page>,
) -> Result<(), String> {
    let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
    let file = file.split('?').next().unwrap_or_default();
    let path = if file.is_empty() {
        page.to_path_buf()
    } else {
        resolve(page.parent().unwrap_or(Path::new("")), file).ok_or("leads out of the book")?
    };
    if !files.contains(&path) {
        return Err("no such page or file".into());
    }
    match pages.get(&path) {
        Some(found) if !fragment.is_empty() && !found.ids.contains(fragment) => {
            Err(format!("no heading #{fragment} there"))
        }
        _ => Ok(()),
    }
}

fn resolve(folder: &Path, file: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in folder.join(file).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

fn read(html: &str) -> Page {
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Collector::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&queue);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

#[derive(Default)]
struct Collector(RefCell<Page>);

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut page = self.0.borrow_mut();
        match &token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                page.start(tag);
                // What stands inside is no markup.
                if &*tag.name == "script" {
                    return TokenSinkResult::RawData(RawKind::ScriptData);
                }
            }
            Token::TagToken(tag) => page.end(tag),
            Token::CharacterTokens(text) if page.in_formula => page.formula_text.push_str(text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl Page {
    fn start(&mut self, tag: &Tag) {
        self.formula_text.push(' ');
        let of = |name: &str| {
            let found = tag.attrs.iter().find(|attribute| &*attribute.name.local == name);
            found.map(|attribute| attribute.value.to_string())
        };
        self.ids.extend(of("id"));
        if self.in_formula {
            if let Some((_, children)) = self.open.last_mut() {
                *children += 1;
            }
            if !tag.self_closing {
                self.open.push((tag.name.to_string(), 0));
            }
        }
        match &*tag.name {
            "a" => self.links.extend(of("href")),
            "link" => self.assets.extend(of("href")),
            "math" => {
                self.formulas += 1;
                self.in_formula = true;
            }
            "annotation" => self.in_formula = false,
            "merror" => self.errors += 1,
            _ => self.assets.extend(of("src")),
        }
    }

    fn end(&mut self, tag: &Tag) {
        self.formula_text.push(' ');
        match &*tag.name {
            "math" => {
                self.in_formula = false;
                self.open.clear();
            }
            "annotation" => {
                self.in_formula = true;
                self.open.pop();
            }
            _ if self.in_formula => {
                if let Some((element, found)) = self.open.pop()
                    && children(&element).is_some_and(|wanted| wanted != found)
                {
                    self.misshapen.push(format!("<{element}> with {found} children"));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(html: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("a.html"), html).unwrap();
        site(root.path()).unwrap().problems
    }

    #[test]
    fn what_an_address_holds_itself_is_not_fetched() {
        assert!(
            problems("<link rel=\"icon\" href=\"data:,\"><img src=\"data:image/png;a\">")
                .is_empty()
        );
        assert_eq!(problems("<img src=\"https://x.org/a.png\">").len(), 1);
    }

    #[test]
    fn a_style_sheet_that_fetches_is_found() {
        let css = "a { b: url(\"https://x.org/a.woff2\") } c { d: url(e.svg) url('data:f') }";
        assert_eq!(fetched_by_css(css).collect::<Vec<_>>(), ["https://x.org/a.woff2"]);
        assert_eq!(fetched_by_css("@import '//x.org/a.css';").count(), 1);
    }

    #[test]
    fn a_formula_that_failed_or_shows_its_source_is_found() {
        assert!(
            problems("<math><mo>&lt;</mo><mi>m</mi><annotation>a <m b</annotation></math>")
                .is_empty()
        );
        assert_eq!(problems("<math>&lt;mo x>(</math>").len(), 1);
        assert_eq!(problems("<math><mo>*</mo><mtext>\\alpha</mtext></math>").len(), 1);
        assert!(
            problems("<math><msub><mi>a</mi><mrow><mi>b</mi><mi>c</mi></mrow></msub></math>")
                .is_empty()
        );
        assert_eq!(problems("<math><msub><mspace/><mi>a</mi><mi>b</mi></msub></math>").len(), 1);
        assert_eq!(problems("<math><merror></merror></math>").len(), 1);
    }
}
