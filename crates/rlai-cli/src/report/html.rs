//! HTML, built so that no text can become markup.

use std::fmt::Write;

/// A text as it stands in HTML and XML, in content and in attributes. What XML has no way to write becomes
/// a replacement character.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// HTML that is being written. Names of elements and attributes are the program's own; texts and values are
/// escaped.
#[derive(Default)]
pub struct Html {
    text: String,
}

impl Html {
    /// An element with attributes and what stands in it.
    pub fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        content: impl FnOnce(&mut Self),
    ) {
        let _ = write!(self.text, "<{name}");
        for (key, value) in attributes {
            let _ = write!(self.text, " {key}=\"{}\"", escape(value));
        }
        self.text.push('>');
        content(self);
        let _ = writeln!(self.text, "</{name}>");
    }

    /// An element that holds a text.
    pub fn leaf(&mut self, name: &'static str, text: &str) {
        self.element(name, &[], |inner| inner.text(text));
    }

    /// An element of a class that holds a text.
    pub fn classed(&mut self, name: &'static str, class: &str, text: &str) {
        self.element(name, &[("class", class)], |inner| inner.text(text));
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.text.push_str(&escape(text));
    }

    /// Markup that this program made.
    pub fn markup(&mut self, markup: &str) {
        self.text.push_str(markup);
    }

    /// What has been written.
    pub fn into_string(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let mut html = Html::default();
        html.element("a", &[("title", "\" onclick='x'")], |inner| inner.text("</a><script>&\u{0}"));
        assert_eq!(
            html.into_string(),
            "<a title=\"&quot; onclick=&#39;x&#39;\">&lt;/a&gt;&lt;script&gt;&amp;\u{FFFD}</a>\n"
        );
    }
}
