//! Tables, and the same as HTML, CSV, Markdown and LaTeX.

use rlai_stats::threshold::Bound;

use super::html::Html;
use crate::text::thousands;

/// Letters of a text that is not broken.
const SHORT: usize = 30;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing is known.
    Missing,
    /// A text.
    Text(String),
    /// A number, in full in CSV.
    Number(f64),
    /// A count.
    Count(u64),
    /// A probability that may be tiny.
    Probability(f64),
    /// A value with its interval, three columns in CSV.
    Estimate(Option<f64>, Option<(f64, f64)>),
    /// The same of a value that is known only to lie beyond a number; in CSV it is empty.
    Beyond(Bound, Option<(f64, f64)>),
    /// From one number to another, two columns in CSV.
    Range(Option<(f64, f64)>),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl Cell {
    /// For people.
    pub fn shown(&self) -> String {
        match self {
            Self::Missing => "–".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Number(value) => number(*value),
            Self::Count(count) => thousands(*count),
            Self::Probability(p) if *p < 0.001 => "< 0.001".to_owned(),
            Self::Probability(p) => format!("{p:.3}"),
            Self::Estimate(value, None) => Self::from(*value).shown(),
            Self::Estimate(value, ends) => {
                format!("{} {}", Self::from(*value).shown(), Self::Range(*ends).shown())
            }
            Self::Beyond(bound, ends) => {
                let (sign, at) = match *bound {
                    Bound::Above(at) => ('>', at),
                    Bound::Below(at) => ('<', at),
                };
                let ends = ends.map(|ends| format!(" {}", Self::Range(Some(ends)).shown()));
                format!("{sign} {}{}", number(at), ends.unwrap_or_default())
            }
            Self::Range(None) => Self::Missing.shown(),
            Self::Range(Some((low, high))) => format!("[{}, {}]", number(*low), number(*high)),
        }
    }

    /// Its fields in CSV.
    fn raw(&self) -> Vec<String> {
        let plain = |value: f64| match value.is_infinite() {
            true => if value > 0.0 { "inf" } else { "-inf" }.to_owned(),
            false => value.to_string(),
        };
        let ends = |ends: &Option<(f64, f64)>| {
            ends.map_or([String::new(), String::new()], |(low, high)| [plain(low), plain(high)])
        };
        match self {
            Self::Missing => vec![String::new()],
            Self::Text(text) => vec![text.clone()],
            Self::Number(value) | Self::Probability(value) => vec![plain(*value)],
            Self::Count(count) => vec![count.to_string()],
            Self::Estimate(value, interval) => {
                let value = value.map(plain).unwrap_or_default();
                [vec![value], ends(interval).to_vec()].concat()
            }
            Self::Beyond(_, interval) => [vec![String::new()], ends(interval).to_vec()].concat(),
            Self::Range(range) => ends(range).to_vec(),
        }
    }

    /// What its fields in CSV are called, after the column's name.
    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Estimate(..) | Self::Beyond(..) => &["", " low", " high"],
            Self::Range(..) => &[" low", " high"],
            _ => &[""],
        }
    }

    fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

/// A number to about four digits, grouped, with a true minus sign.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if value.is_nan() => return "–".to_owned(),
        _ if size.is_infinite() => "∞".to_owned(),
        0.0 => "0".to_owned(),
        // What rounds to a thousand is one.
        _ if size >= 999.95 => thousands(size.round() as u64),
        _ if size >= 99.95 => format!("{size:.1}"),
        _ if size >= 9.995 => format!("{size:.2}"),
        _ if size >= 0.000_95 => format!("{size:.3}"),
        _ => format!("{size:.1e}").replace("e-", "e−"),
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// Named columns and rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What it tells.
    pub caption: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Rows, each with a cell a column.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows yet.
    pub fn new<const N: usize>(caption: &str, header: [&str; N]) -> Self {
        let header = header.iter().map(|&name| name.to_owned()).collect();
        Self { caption: caption.to_owned(), header, rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, row: [Cell; N]) {
        debug_assert_eq!(N, self.header.len(), "{}", self.caption);
        self.rows.push(row.to_vec());
    }

    /// How a column of a page is set: short texts on one line.
    fn class(&self, column: usize) -> &'static str {
        let is_short = |row: &Vec<Cell>| {
            row.get(column).is_none_or(|cell| cell.shown().chars().count() <= SHORT)
        };
        match (self.is_left(column), self.rows.iter().all(is_short)) {
            (true, true) => "left short",
            (true, false) => "left",
            (false, _) => "right",
        }
    }

    /// Columns of texts are set left, others right.
    fn is_left(&self, column: usize) -> bool {
        self.rows.iter().any(|row| row.get(column).is_some_and(Cell::is_text))
    }

    /// Adds it to a page.
    pub fn html(&self, page: &mut Html) {
        page.element("div", &[("class", "table"), ("tabindex", "0")], |page| {
            page.element("table", &[], |page| {
                page.leaf("caption", &self.caption);
                page.element("thead", &[], |page| {
                    page.element("tr", &[], |page| {
                        for (i, name) in self.header.iter().enumerate() {
                            let attributes = [("scope", "col"), ("class", self.class(i))];
                            page.element("th", &attributes, |page| page.text(name));
                        }
                    });
                });
                page.element("tbody", &[], |page| {
                    for row in &self.rows {
                        page.element("tr", &[], |page| {
                            for (i, cell) in row.iter().enumerate() {
                                page.classed("td", self.class(i), &cell.shown());
                            }
                        });
                    }
                });
            });
        });
    }

    /// As comma-separated values (RFC 4180), numbers in full.
    pub fn csv(&self) -> String {
        let mut out = String::new();
        let mut line = |fields: Vec<String>| {
            let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
            out.push_str(&fields.join(","));
            out.push('\n');
        };
        let first = self.rows.first().map_or(&[][..], |row| row);
        let head = self.header.iter().zip(first).flat_map(|(name, cell)| {
            cell.fields().iter().map(move |field| format!("{name}{field}"))
        });
        line(head.collect());
        self.rows.iter().for_each(|row| line(row.iter().flat_map(Cell::raw).collect()));
        out
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut out = line(self.header.iter().map(|name| markdown(name)).collect());
        let rule = |i| if self.is_left(i) { "---" } else { "---:" }.to_owned();
        out.push_str(&line((0..self.header.len()).map(rule).collect()));
        for row in &self.rows {
            out.push_str(&line(row.iter().map(|cell| markdown(&cell.shown())).collect()));
        }
        out.push_str(&format!("\n{}\n", markdown(&self.caption)));
        out
    }

    /// As LaTeX, with the rules of the package booktabs.
    pub fn latex(&self) -> String {
        let columns = (0..self.header.len()).map(|i| if self.is_left(i) { 'l' } else { 'r' });
        let line = |cells: Vec<String>| format!("{} \\\\\n", cells.join(" & "));
        let mut out = format!(
            "% \\usepackage{{booktabs}}\n% {}\n\\begin{{tabular}}{{{}}}\n\\toprule\n",
            self.caption.split_whitespace().collect::<Vec<_>>().join(" "),
            columns.collect::<String>()
        );
        out.push_str(&line(self.header.iter().map(|name| latex(name)).collect()));
        out.push_str("\\midrule\n");
        for row in &self.rows {
            out.push_str(&line(row.iter().map(|cell| latex(&cell.shown())).collect()));
        }
        out.push_str("\\bottomrule\n\\end{tabular}\n");
        out
    }
}

/// A field of a CSV line.
pub fn quoted(text: &str) -> String {
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '$' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_whitespace() || c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn latex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' => out.push_str("\\textless{}"),
            '>' => out.push_str("\\textgreater{}"),
            '−' => out.push_str("$-$"),
            '±' => out.push_str("$\\pm$"),
            '∞' => out.push_str("$\\infty$"),
            '–' => out.push_str("--"),
            '|' => out.push_str("\\textbar{}"),
            '"' => out.push_str("\\textquotedbl{}"),
            // After the end of a row these would be taken for its argument.
            '[' | '*' if out.is_empty() => out.extend(['{', c, '}']),
            c if c.is_whitespace() || c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_four_digits() {
        let shown = [0.0, 1234.5, -999.96, 123.44, 12.344, 1.2, 0.5, 2e-5, f64::INFINITY, f64::NAN]
            .map(number);
        let expected =
            ["0", "1,235", "−1,000", "123.4", "12.34", "1.200", "0.500", "2.0e−5", "∞", "–"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn intervals_are_one_cell_for_people_and_columns_in_csv() {
        let mut table = Table::new("", ["p", "ratio", "null"]);
        let infinite = Some((0.5, f64::INFINITY));
        table.push([
            Cell::Probability(0.0004),
            Cell::Estimate(Some(2.0), infinite),
            Cell::Range(None),
        ]);
        table.push([
            Cell::Probability(0.25),
            Cell::Estimate(None, None),
            Cell::Range(Some((1.0, 2.0))),
        ]);
        assert_eq!(
            table.csv(),
            "p,ratio,ratio low,ratio high,null low,null high\n0.0004,2,0.5,inf,,\n0.25,,,,1,2\n"
        );
        let shown: Vec<String> = table.rows.concat().iter().map(Cell::shown).collect();
        assert_eq!(shown, ["< 0.001", "2.000 [0.500, ∞]", "–", "0.250", "–", "[1.000, 2.000]"]);
        let beyond = Cell::Beyond(Bound::Above(1.25), infinite);
        assert_eq!(beyond.shown(), "> 1.250 [0.500, ∞]");
        assert_eq!(beyond.raw(), ["", "0.5", "inf"]);
        assert_eq!(Cell::Beyond(Bound::Below(0.5), None).shown(), "< 0.500");
    }

    #[test]
    fn hostile_labels_stay_texts() {
        let mut table = Table::new("a <b> & \"c\"", ["name", "value"]);
        table.push(["x|y<z>&\"q\"_$\\,\n".into(), (-0.25).into()]);
        assert_eq!(latex("[a] *b"), "{[}a] *b");
        assert_eq!(table.csv(), "name,value\n\"x|y<z>&\"\"q\"\"_$\\,\n\",-0.25\n");
        assert_eq!(
            table.markdown(),
            "| name | value |\n| --- | ---: |\n| x\\|y&lt;z&gt;&amp;\"q\"\\_\\$\\\\,  | −0.250 |\n\n\
             a &lt;b&gt; &amp; \"c\"\n"
        );
        let latex = table.latex();
        let row = "x\\textbar{}y\\textless{}z\\textgreater{}\\&\\textquotedbl{}q\\textquotedbl{}\\_\\$\\textbackslash{},  & $-$0.250 \\\\";
        assert!(latex.contains(row), "{latex}");
        let mut page = Html::default();
        table.html(&mut page);
        let html = page.into_string();
        assert!(html.contains("x|y&lt;z&gt;&amp;&quot;q&quot;_$\\,\n</td>"), "{html}");
        assert!(html.contains("<th scope=\"col\" class=\"right\">value</th>"), "{html}");
    }
}
