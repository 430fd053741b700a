//! Parts of a report: what each says, shows and counts.

use super::chart::Chart;
use super::drawing::Drawing;
use super::intervals::Intervals;
use super::table::Table;

/// A chart of either kind.
#[derive(Clone, Debug)]
pub enum Picture {
    /// Curves.
    Chart(Chart),
    /// Values with intervals.
    Intervals(Intervals),
}

/// A figure with what must be known to read it.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Name of its files, without their endings.
    pub stem: String,
    /// What is drawn.
    pub picture: Picture,
    /// Runs, seeds, method, repetitions, and what it cannot show.
    pub caption: String,
}

impl Figure {
    /// A figure of curves; none where there is nothing to see.
    pub fn chart(stem: &str, chart: Chart, caption: String) -> Option<Self> {
        let picture = (!chart.is_empty()).then_some(Picture::Chart(chart))?;
        Some(Self { stem: stem.to_owned(), picture, caption })
    }

    /// A figure of intervals; none where there is nothing to see.
    pub fn intervals(stem: &str, intervals: Intervals, caption: String) -> Option<Self> {
        let picture = (!intervals.rows.is_empty()).then_some(Picture::Intervals(intervals))?;
        Some(Self { stem: stem.to_owned(), picture, caption })
    }

    /// Draws it for a page, which has the caption beneath.
    pub fn for_page(&self) -> Drawing {
        self.draw(480.0, "")
    }

    /// Draws it for a file of its own.
    pub fn for_file(&self) -> Drawing {
        self.draw(640.0, &self.caption)
    }

    fn draw(&self, width: f64, caption: &str) -> Drawing {
        match &self.picture {
            Picture::Chart(chart) => chart.draw(width, caption),
            Picture::Intervals(intervals) => intervals.draw(width, caption),
        }
    }
}

/// A part of a report.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its name.
    pub title: &'static str,
    /// What it says, a paragraph each.
    pub text: Vec<String>,
    /// Its figures.
    pub figures: Vec<Figure>,
    /// Its tables with the names of their files.
    pub tables: Vec<(String, Table)>,
}

impl Section {
    /// A section without content yet.
    pub fn new(id: &'static str, title: &'static str) -> Self {
        Self { id, title, ..Self::default() }
    }

    /// Adds a table that has rows.
    pub fn table(&mut self, stem: &str, table: Table) {
        if !table.rows.is_empty() {
            self.tables.push((stem.to_owned(), table));
        }
    }
}

/// A name as a part of a file's name: what is no plain letter or digit becomes a hyphen.
pub fn file_part(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let part: String = name.chars().map(plain).take(80).collect();
    part.trim_start_matches(['.', '-']).to_owned()
}

/// A file's stem for a task: without its name where there is only one. Names that come to the same parts are
/// told apart by their numbers.
pub fn stem(base: &str, names: &[&str], index: usize) -> String {
    if names.len() == 1 {
        return base.to_owned();
    }
    let part = |i: usize| file_part(names[i]);
    let same = |i: &usize| part(*i).eq_ignore_ascii_case(&part(index));
    let twins = (0..names.len()).filter(same).count();
    match twins > 1 || part(index).is_empty() {
        true => format!("{base}-{}-{}", part(index), index + 1),
        false => format!("{base}-{}", part(index)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_plain_and_differ() {
        assert_eq!(stem("curves", &["Ant-v5"], 0), "curves");
        assert_eq!(stem("curves", &["Ant-v5", "Hopper-v5"], 1), "curves-Hopper-v5");
        let names = ["grid:../a b.txt", "grid:../a/b.txt", "..."];
        assert_eq!(stem("c", &names, 0), "c-grid-..-a-b.txt-1");
        assert_eq!(stem("c", &names, 1), "c-grid-..-a-b.txt-2");
        assert_eq!(stem("c", &names, 2), "c--3");
    }
}
