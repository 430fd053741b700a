//! Parquet: the table of the CSV with types. Written without compression; repeated names take no room, since
//! columns are dictionaries where that is shorter.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::{LogicalType, Repetition, Type as Physical};
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{Type, TypePtr};

use super::table::{Row, Table, Written, unwritten};
use crate::error::Failure;
use crate::metrics::Line;
use crate::run_folder::write_whole_with;

/// Rows that are in memory at a time.
const GROUP: usize = 1 << 16;

/// Writes the table of all lines.
///
/// # Errors
/// Lines that cannot be read, or a file that cannot be written.
pub fn write(table: &Table, path: &Path) -> std::result::Result<Written, Failure> {
    let failed = |error: ParquetError| unwritten(path, &error);
    let mut rows = 0;
    write_whole_with(
        path,
        |error| unwritten(path, &error),
        |file| {
            let mut out = Groups::begin(file, table).map_err(failed)?;
            rows = table.each_row(|row| out.push(&row).map_err(failed))?;
            out.end().map_err(failed)
        },
    )?;
    Ok(table.written(rows, path.to_owned()))
}

/// A file that is being written, one group of rows after the other.
struct Groups<'a, W: Write + Send> {
    table: &'a Table,
    file: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
}

impl<'a, W: Write + Send> Groups<'a, W> {
    fn begin(out: W, table: &'a Table) -> Result<Self> {
        let by = concat!("rlai version ", env!("CARGO_PKG_VERSION"));
        let properties = WriterProperties::builder().set_created_by(by.to_owned()).build();
        let file = SerializedFileWriter::new(out, schema(table)?, Arc::new(properties))?;
        Ok(Self { table, file, columns: columns(table), rows: 0 })
    }

    fn push(&mut self, row: &Row<'_>) -> Result<()> {
        let Row { run, line } = row;
        let texts = [
            run.study.as_deref(),
            run.variant.as_deref(),
            Some(&run.name),
            Some(&run.env),
            Some(&run.objective),
            Some(line.kind()),
        ];
        let wholes = [run.seed, line.step().unwrap_or_default()];
        let returns = match line {
            Line::Evaluation(line) => Some(&line.returns[..]),
            _ => None,
        };
        let mut columns = self.columns.iter_mut();
        columns.by_ref().zip(texts).for_each(|(column, text)| column.text(text));
        columns.by_ref().zip(wholes).for_each(|(column, whole)| column.whole(whole));
        let fields = self.table.fields.iter();
        fields.zip(columns.by_ref()).for_each(|(name, column)| column.number(line.value(name)));
        columns.for_each(|column| column.list(returns));
        self.rows += 1;
        if self.rows == GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column()? else { break };
            std::mem::take(column).write(writer.untyped())?;
            writer.close()?;
        }
        group.close()?;
        (self.columns, self.rows) = (columns(self.table), 0);
        Ok(())
    }

    fn end(mut self) -> Result<()> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.file.close().map(drop)
    }
}

const TEXTS: [&str; 6] = ["study", "variant", "run", "env", "objective", "kind"];
const WHOLES: [&str; 2] = ["seed", "step"];

fn schema(table: &Table) -> Result<TypePtr> {
    let leaf = |name: &str, physical, logical| {
        let leaf = Type::primitive_type_builder(name, physical);
        leaf.with_repetition(Repetition::OPTIONAL).with_logical_type(logical).build().map(Arc::new)
    };
    let mut fields = Vec::new();
    for name in TEXTS {
        fields.push(leaf(name, Physical::BYTE_ARRAY, Some(LogicalType::String))?);
    }
    for name in WHOLES {
        fields.push(leaf(name, Physical::INT64, Some(LogicalType::integer(64, false)))?);
    }
    for name in &table.columns {
        fields.push(leaf(name, Physical::DOUBLE, None)?);
    }
    fields.push(list("returns", leaf("element", Physical::DOUBLE, None)?)?);
    Type::group_type_builder("metrics").with_fields(fields).build().map(Arc::new)
}

/// A list in the three levels that the format's "LogicalTypes" asks for.
fn list(name: &str, element: TypePtr) -> Result<TypePtr> {
    let repeated = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
    let repeated = Arc::new(repeated.with_fields(vec![element]).build()?);
    let list = Type::group_type_builder(name).with_repetition(Repetition::OPTIONAL);
    let list = list.with_logical_type(Some(LogicalType::List)).with_fields(vec![repeated]);
    list.build().map(Arc::new)
}

/// Values that are there, and for each place whether (and, of a list, at which level) one is.
#[derive(Default)]
struct Column {
    texts: Vec<ByteArray>,
    wholes: Vec<i64>,
    numbers: Vec<f64>,
    definition: Vec<i16>,
    repetition: Vec<i16>,
}

fn columns(table: &Table) -> Vec<Column> {
    let count = TEXTS.len() + WHOLES.len() + table.fields.len() + 1;
    std::iter::repeat_with(Column::default).take(count).collect()
}

impl Column {
    fn text(&mut self, value: Option<&str>) {
        self.texts.extend(value.map(ByteArray::from));
        self.definition.push(i16::from(value.is_some()));
    }

    /// The bits are those of the unsigned number.
    fn whole(&mut self, value: u64) {
        self.wholes.push(value as i64);
        self.definition.push(1);
    }

    fn number(&mut self, value: Option<f64>) {
        self.numbers.extend(value);
        self.definition.push(i16::from(value.is_some()));
    }

    /// No list, an empty one, or numbers: levels 0, 1 and 3.
    fn list(&mut self, values: Option<&[f64]>) {
        let Some(values @ [_, ..]) = values else {
            self.definition.push(i16::from(values.is_some()));
            self.repetition.push(0);
            return;
        };
        self.numbers.extend(values);
        self.definition.extend(values.iter().map(|_| 3));
        self.repetition.extend((0..values.len()).map(|i| i16::from(i > 0)));
    }

    fn write(self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let definition = Some(&self.definition[..]);
        let repetition = (!self.repetition.is_empty()).then_some(&self.repetition[..]);
        match writer {
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                writer.write_batch(&self.texts, definition, repetition)
            }
            ColumnWriter::Int64ColumnWriter(writer) => {
                writer.write_batch(&self.wholes, definition, repetition)
            }
            ColumnWriter::DoubleColumnWriter(writer) => {
                writer.write_batch(&self.numbers, definition, repetition)
            }
            _ => return Err(ParquetError::General("a column of another type".to_owned())),
        }
        .map(drop)
    }
}
