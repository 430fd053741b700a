//! Metrics of runs in the formats of other programs. What each format holds is in `docs/export.md`.

mod csv;
mod parquet;
mod protobuf;
mod table;
mod tensorboard;

pub use csv::write as write_csv;
pub use parquet::write as write_parquet;
pub use table::Table;
pub use tensorboard::{Events, FILE as EVENTS, write as write_tensorboard};
