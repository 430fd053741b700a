//! The page: everything in one file that needs neither network nor script.

use super::answer::Answer;
use super::html::Html;
use super::section::Section;
use super::study::Study;
use super::svg::{DARK, LIGHT, Place, svg};

const STYLE: &str = include_str!("style.css");

/// What the numbers are, with whom they come from.
const NOTES: [&str; 8] = [
    "Intervals are 95% and, unless a table says otherwise, come from a bootstrap: seeds are drawn with replacement \
     inside of each task, from a random stream that is the same every time (Efron and Tibshirani 1993; Agarwal et \
     al. 2021, \"Deep Reinforcement Learning at the Edge of the Statistical Precipice\").",
    "They say how results would change with other seeds on these tasks, with these settings. They say nothing \
     of other tasks, of other settings, or of how well either method was tuned.",
    "A verdict takes two things: an interval of the probability of improvement that does not hold 0.5, and a \
     permutation test, of all labellings where they can be counted, with p of at most 0.05, corrected for the \
     number of comparisons (Holm 1979). With seeds so few that even complete separation has a larger p there is \
     none. Where one has more seeds than the other Welch's t test has to agree: fewer and wilder runs would otherwise be \
     called better or worse in up to a fifth of the studies where neither is.",
    "Seeds are taken as unpaired. Runs of one variant with equal seeds that differ in a setting of the grid share \
     their random numbers, and may be the same run up to where the setting first matters; tests between them then \
     find less than they might, and their common beginning is one observation, not two.",
    "No interval is made of fewer than 3 seeds: two numbers show a range, one shows nothing.",
    "Intervals of curves and profiles hold point by point, not for a whole curve at once.",
    "Few seeds find large differences only (Henderson et al. 2018; Colas et al. 2018; Patterson et al. 2024). \
     That runs do not tell which is better does not say that both are equal.",
    "Lines are drawn with at most 240 points, curves over all tasks with at most 120; learning-curves.csv has \
     every point.",
];

/// The page of a report.
pub fn html(study: &Study, answer: &Answer, sections: &[Section]) -> String {
    let mut page = Html::default();
    page.markup("<!doctype html>\n");
    page.element("html", &[("lang", "en")], |page| {
        page.element("head", &[], |page| head(page, study));
        page.element("body", &[], |page| {
            page.element("main", &[], |page| {
                page.leaf("h1", &study.title);
                page.classed("p", "sub", &subtitle(study));
                // Lines are those of the file; a paragraph ends with an empty one.
                let paragraphs = study.description.split("\n\n").filter(|text| !text.is_empty());
                paragraphs.for_each(|text| page.classed("p", "description", text));
                top(page, answer);
                contents(page, sections);
                sections.iter().for_each(|section| part(page, section));
                footer(page);
            });
        });
    });
    page.into_string()
}

fn head(page: &mut Html, study: &Study) {
    page.markup("<meta charset=\"utf-8\">\n");
    page.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    // Nothing may be fetched, whatever stands in the page.
    page.markup(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'; img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n",
    );
    page.leaf("title", &study.title);
    let colours = |colours: [&str; 8]| {
        let all = colours.iter().enumerate().map(|(i, colour)| format!("--series-{i}: {colour};"));
        all.collect::<Vec<_>>().join(" ")
    };
    let style = STYLE.replace("LIGHT", &colours(LIGHT)).replace("DARK", &colours(DARK));
    page.element("style", &[], |page| page.markup(&style));
}

fn subtitle(study: &Study) -> String {
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let (methods, tasks, runs) = (study.methods.len(), study.tasks.len(), study.runs.len());
    let names: Vec<&str> = study.tasks.iter().map(|task| &task.name[..]).collect();
    let named = if tasks <= 6 { format!(" ({})", names.join(", ")) } else { String::new() };
    format!(
        "Study {}: {methods} variant{}, {tasks} task{}{named}, {runs} run{}.",
        study.name,
        s(methods),
        s(tasks),
        s(runs)
    )
}

fn top(page: &mut Html, answer: &Answer) {
    if !answer.warnings.is_empty() {
        page.element("div", &[("class", "warning"), ("role", "note")], |page| {
            answer.warnings.iter().for_each(|warning| page.leaf("p", warning));
        });
    }
    page.element("section", &[("class", "answer"), ("id", "answer")], |page| {
        page.leaf("h2", "What these runs tell");
        for finding in &answer.findings {
            page.element("p", &[("class", "sentence")], |page| {
                page.leaf("strong", &finding.verdict);
                page.text(&finding.detail);
            });
        }
        answer.cautions.iter().for_each(|it| page.classed("p", "caution", it));
    });
}

fn contents(page: &mut Html, sections: &[Section]) {
    page.element("nav", &[("aria-label", "Contents")], |page| {
        page.element("ul", &[], |page| {
            for section in sections {
                page.element("li", &[], |page| {
                    let link = format!("#{}", section.id);
                    page.element("a", &[("href", &link)], |page| page.text(section.title));
                });
            }
        });
    });
}

fn part(page: &mut Html, section: &Section) {
    page.element("section", &[("id", section.id)], |page| {
        page.leaf("h2", section.title);
        section.text.iter().for_each(|text| page.leaf("p", text));
        let class = if section.figures.len() == 1 { "figures one" } else { "figures" };
        if !section.figures.is_empty() {
            page.element("div", &[("class", class)], |page| {
                for figure in &section.figures {
                    page.element("figure", &[("data-figure", &figure.stem)], |page| {
                        page.markup(&svg(&figure.for_page(), Place::Page(&figure.stem)));
                        page.leaf("figcaption", &figure.caption);
                    });
                }
            });
        }
        section.tables.iter().for_each(|(_, table)| table.html(page));
    });
}

fn footer(page: &mut Html) {
    page.element("footer", &[("id", "method")], |page| {
        page.leaf("h2", "How the numbers are made");
        page.element("ul", &[], |page| {
            NOTES.iter().for_each(|note| page.leaf("li", note));
        });
        page.leaf(
            "p",
            "Every figure lies beside this page as SVG and PNG, every table as CSV, Markdown and LaTeX, in the \
             folder report; learning curves one level up.",
        );
    });
}
