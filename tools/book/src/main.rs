//! Builds the book and refuses one with a formula, link or image that does not work.
//!
//! `cargo book` at the root of the repository. mdBook does the pages; formulas become MathML here, so
//! that a browser draws them without a script and nothing is ever fetched.

mod check;
mod math;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use mdbook_driver::MDBook;

/// Folders of `docs/` that the pages need which include a file of `docs/`: pictures, and reports of studies.
const BORROWED: [&str; 2] = ["images", "reports"];

fn main() -> ExitCode {
    let root = std::env::args_os().nth(1).map_or_else(repository, PathBuf::from);
    match build(&root) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The repository that this program is part of.
fn repository() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.join("../..")
}

/// Builds `root/book`, copies the pictures and reports it borrows, checks the result; returns what was made.
fn build(root: &Path) -> Result<String> {
    let mut book = MDBook::load(root.join("book")).context("book/ cannot be read")?;
    let macros = root.join("book/macros.tex");
    book.with_preprocessor(math::Formulas::with_macros(&macros)?);
    let output = book.build_dir_for("html");
    book.build().context("the book cannot be built")?;
    for folder in BORROWED {
        copy_files(&root.join("docs").join(folder), &output.join(folder))?;
    }

    let report = check::site(&output)?;
    if !report.problems.is_empty() {
        bail!("{} problems\n  {}", report.problems.len(), report.problems.join("\n  "));
    }
    Ok(format!(
        "{}: {} pages, {} formulas, {} internal links and images",
        shown(&output.join("index.html")).display(),
        report.pages,
        report.formulas,
        report.references
    ))
}

/// A path without its `..`, where there is one.
fn shown(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        if path.is_file() {
            let target = to.join(path.file_name().expect("a directory entry has a name"));
            std::fs::copy(&path, &target)
                .with_context(|| format!("{} cannot be copied", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A book of one page, in a folder that is removed at the end of the test.
    fn book(page: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("book/book.toml", "[book]\ntitle = \"test\"\n[output.html.print]\nenable = false\n");
        write("book/macros.tex", "\\def\\E{\\mathbb{E}}\n");
        write("book/src/SUMMARY.md", "# Summary\n\n[One](one.md)\n");
        write("book/src/one.md", page);
        write("docs/images/known.png", "not looked into");
        root
    }

    fn refusal(page: &str) -> String {
        format!("{:#}", build(book(page).path()).unwrap_err())
    }

    #[test]
    fn a_sound_page_is_built_and_counted() {
        let root =
            book("# One\n\n## Two\n\n$\\E_q[x]$ and [two](#two), ![known](images/known.png)\n");
        let report = build(root.path()).unwrap();
        // mdBook shows the first page at index.html too.
        assert!(report.contains(" 2 formulas"), "{report}");
        let html = std::fs::read_to_string(root.path().join("book/book/one.html")).unwrap();
        assert!(html.contains("<math") && !html.contains("mathjax"), "{html}");
    }

    #[test]
    fn a_formula_that_cannot_be_set_is_named() {
        let error = refusal("# One\n\n$\\frac{1}$\n");
        assert!(error.contains("one.md") && error.contains("\\frac{1}"), "{error}");
        let error = refusal("# One\n\nHalf of $x + 1\n");
        assert!(error.contains("one.md") && error.contains('$'), "{error}");
    }

    #[test]
    fn a_missing_page_heading_image_or_file_is_named() {
        for (page, missing) in [
            ("[a](nowhere.md)", "nowhere.html"),
            ("[a](#nothing)", "#nothing"),
            ("[a](one.md#nothing)", "#nothing"),
            ("![a](images/unknown.svg)", "images/unknown.svg"),
            ("[a](processes/unknown.json)", "processes/unknown.json"),
            ("[a](../../../etc/passwd)", "passwd"),
        ] {
            let error = refusal(&format!("# One\n\n{page}\n"));
            assert!(error.contains(missing) && error.contains("one.html"), "{page}: {error}");
        }
    }

    #[test]
    fn whatever_a_browser_would_fetch_is_refused_and_a_plain_link_is_not() {
        let error = refusal("# One\n\n<img src=\"https://example.org/a.png\">\n");
        assert!(error.contains("https://example.org/a.png"), "{error}");
        let error = refusal("# One\n\n<script src=\"//example.org/a.js\"></script>\n");
        assert!(error.contains("//example.org/a.js"), "{error}");
        build(book("# One\n\n[paper](https://example.org/a.pdf)\n").path()).unwrap();
    }
}
