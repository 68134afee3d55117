//! The snapshots beside a project file: read with what is wrong with them, and written.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Zoned;
use jiff::civil::Date;

use super::exit::{CommandError, Result};
use crate::diagnostic::{self, Sink};
use crate::project::{LOCATION_TO_FILL_IN, ProjectFile, WrittenConnection};
use crate::snapshot::{SNAPSHOT_FOLDER, Snapshot, SnapshotError, Snapshots};
use crate::source::Route;

/// The largest snapshot that is read, in bytes.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// What day it is here.
pub fn today() -> Date {
    Zoned::now().date()
}

/// Where the snapshot of a connection is kept.
pub fn snapshot_path(project: &Path, connection: &str) -> PathBuf {
    let folder = project.parent().unwrap_or(Path::new(""));
    folder.join(SNAPSHOT_FOLDER).join(format!("{connection}.json"))
}

/// The snapshots of a project's connections; what is wrong with one, or that it is old, goes into the sink.
pub fn snapshots(project: &Path, file: &ProjectFile, sink: &mut Sink) -> Snapshots {
    let mut all = Snapshots::default();
    for (name, connection) in &file.written.connections {
        let here = Route::root().key("connections").key(name);
        let path = snapshot_path(project, name);
        let snapshot = match read(&path, name, connection) {
            Ok(snapshot) => snapshot,
            Err(SnapshotError(why)) => {
                let shown = format!("{SNAPSHOT_FOLDER}/{name}.json");
                sink.say(diagnostic::snapshot_unread(&here, &shown, &why));
                continue;
            }
        };
        if let Some(snapshot) = snapshot.as_ref().filter(|snapshot| snapshot.is_old(today())) {
            sink.say(diagnostic::old_snapshot(&here, &snapshot.pulled_on.to_string()));
        }
        all.add(&connection.app, name, snapshot.map(Arc::new));
    }
    all
}

/// The snapshot of a connection; `None` when nobody has looked yet.
fn read(
    path: &Path,
    name: &str,
    connection: &WrittenConnection,
) -> std::result::Result<Option<Snapshot>, SnapshotError> {
    // A name that leads elsewhere is no name, and is told to its author by the check.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.chars().all(is_plain) || name.starts_with('.') {
        return Ok(None);
    }
    if !path.exists() {
        return Ok(None);
    }
    let unread = |e: std::io::Error| SnapshotError(format!("it cannot be read: {e}"));
    let size_bytes = std::fs::metadata(path).map_err(unread)?.len();
    if size_bytes > MAX_BYTES {
        return Err(SnapshotError(format!("it has {size_bytes} bytes; {MAX_BYTES} is the limit")));
    }
    let snapshot = Snapshot::from_text(&std::fs::read_to_string(path).map_err(unread)?)?;
    if snapshot.app != connection.app {
        return Err(SnapshotError(format!("it is of an account of {}", snapshot.app)));
    }
    let written = connection.location_id.as_deref().map(str::trim);
    let written = written.filter(|id| !id.is_empty() && *id != LOCATION_TO_FILL_IN);
    match (&snapshot.location_id, written) {
        (Some(of), Some(written)) if of != written => {
            Err(SnapshotError(format!("it is of the account `{of}`")))
        }
        _ => Ok(Some(snapshot)),
    }
}

/// What an earlier look has found, as far as it can be used.
pub fn earlier(project: &Path, name: &str, connection: &WrittenConnection) -> Option<Snapshot> {
    read(&snapshot_path(project, name), name, connection).ok().flatten()
}

/// Writes a snapshot in one go, unless the file holds the same already.
pub fn write(path: &Path, snapshot: &Snapshot) -> Result<()> {
    let text = snapshot.to_text();
    if text.len() as u64 > MAX_BYTES {
        return Err(CommandError::environment(
            format!(
                "the account has too many names: {} bytes, {MAX_BYTES} is the limit",
                text.len()
            ),
            "take tags, workflows or fields out of the account that nobody needs",
        ));
    }
    let cannot = |e: std::io::Error| {
        CommandError::environment(
            format!("{} cannot be written: {e}", path.display()),
            "check that you may write to it and to its folder",
        )
    };
    match std::fs::read_to_string(path) {
        Ok(there) if there == text => return Ok(()),
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(cannot(e)),
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(cannot)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(cannot)?;
    readable(file.as_file()).map_err(cannot)?;
    file.persist(path).map_err(|e| cannot(e.error))?;
    Ok(())
}

/// There is nothing secret in it: whoever reads the project may read it.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
