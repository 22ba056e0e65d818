//! Where a report is written: standard output, or a file that is there whole or not at all.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::NamedTempFile;

/// A report that is being written.
pub(super) struct Output {
    writer: BufWriter<Box<dyn Write + Send>>,
    /// The file as it grows, and what it will be called.
    file: Option<(NamedTempFile, PathBuf)>,
}

impl Output {
    /// Writes to `file`, or to standard output.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(super) fn new(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else {
            return Ok(Self { writer: BufWriter::new(Box::new(io::stdout())), file: None });
        };
        let cannot = || format!("write {}", path.display());
        // A device or a pipe is written to as it is.
        if path.exists() && !path.is_file() {
            let device = File::options().write(true).open(path).with_context(cannot)?;
            return Ok(Self { writer: BufWriter::new(Box::new(device)), file: None });
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = tempfile::Builder::new()
            .prefix(".sluicegate-report-")
            .permissions(Permissions::from_mode(0o644))
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            .with_context(cannot)?;
        let writer = BufWriter::new(Box::new(made.reopen().with_context(cannot)?) as Box<_>);
        Ok(Self { writer, file: Some((made, path.to_owned())) })
    }

    /// What to write to.
    pub(super) fn writer(&mut self) -> &mut (dyn Write + Send) {
        &mut self.writer
    }

    /// Writes all of a text.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write_all(&mut self, text: &str) -> anyhow::Result<()> {
        self.writer.write_all(text.as_bytes()).context("write the report")
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// It cannot be written to its end, or not be called so.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.writer.flush().context("write the report")?;
        if let Some((file, path)) = self.file {
            let cannot = || format!("write {}", path.display());
            file.persist(&path).map_err(|error| error.error).with_context(cannot)?;
        }
        Ok(())
    }
}
