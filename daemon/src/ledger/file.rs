//! Files that hold the ledger or guard it: nobody else on the machine reads them.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::Path;

const MODE: u32 = 0o600;
/// In a folder that others may write to, they could put another file in the ledger's place.
const FOLDER_MODE: u32 = 0o700;

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(MODE);
    options
}

/// Makes a folder and those above it where they are missing; what is there stays as it is.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path)
}

/// Makes a new file.
pub(super) fn new(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path)
}

/// Opens a file of the data folder, making it when it is missing. It belongs to whoever owns the folder, also when
/// root made it: `sudo camsync plan` before the daemon's first start must not shut the daemon out.
pub(super) fn of_folder(path: &Path) -> io::Result<File> {
    let file = match new(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return options().open(path),
        made => made?,
    };
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        let (owner, maker) = (folder.metadata()?, file.metadata()?);
        if (owner.uid(), owner.gid()) != (maker.uid(), maker.gid()) {
            // Only root can give files away; whoever else may write into a folder keeps what it makes.
            let _ = fchown(&file, Some(owner.uid()), Some(owner.gid()));
        }
    }
    Ok(file)
}

/// Closes an existing file to everybody else.
pub(super) fn restrict(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))
}
