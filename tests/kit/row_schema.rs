//! `notafter schema replay`, and which rows it refuses.

use boon::{Compiler, SchemaIndex, Schemas};
use notafter::report::schema;
use serde_json::Value;

/// The schema, ready to be asked.
pub(crate) struct RowSchema {
    all: Schemas,
    index: SchemaIndex,
}

impl RowSchema {
    pub(crate) fn new() -> Self {
        let (mut all, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        compiler.add_resource("row.json", schema::schema()).unwrap();
        let index = compiler.compile("row.json", &mut all).unwrap();
        Self { all, index }
    }

    /// Why a row does not fit.
    pub(crate) fn refusal(&self, row: &Value) -> Option<String> {
        let why = self.all.validate(row, self.index).err()?;
        Some(format!("{row:#}\n{why:#}"))
    }

    /// The rows of JSON Lines; each has to fit.
    pub(crate) fn rows(&self, text: &str) -> Vec<Value> {
        let row = |line: &str| {
            let row = serde_json::from_str(line).unwrap();
            assert_eq!(self.refusal(&row), None);
            row
        };
        text.lines().map(row).collect()
    }
}
