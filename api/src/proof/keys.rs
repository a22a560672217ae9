//! The key that signs lists: a file that `jifen key new` makes, or in the sandbox one that follows from
//! its secret.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use super::note::Signer;
use crate::kernel::derive::derived;

/// What the sandbox signs with: always the same, and worth nothing.
pub fn sandbox_key(secret: &[u8]) -> Option<Signer> {
    Signer::new("jifen-sandbox", derived(secret, "list key", b""))
}

/// Reads a key file.
///
/// # Errors
/// A sentence that names the file.
pub fn load_key(file: &Path) -> Result<Signer, String> {
    let named = |what: String| format!("{}: {what}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
    let key = Signer::parse(&text).ok_or_else(|| named("this is no key of `jifen key new`".into()));
    if is_open(file) {
        tracing::warn!("{} can be read by others than its owner: chmod 600", file.display());
    }
    key
}

#[cfg(unix)]
fn is_open(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

/// Makes a key file that only its owner can read; never over one that is there.
///
/// # Errors
/// A sentence that names the file.
pub fn make_key(file: &Path, name: &str) -> Result<String, String> {
    let key = Signer::new(name, rand::random()).ok_or("a name has no spaces and no `+`")?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let named = |error: std::io::Error| format!("{}: {error}", file.display());
    let mut made = options.open(file).map_err(named)?;
    made.write_all(key.secret_text().as_bytes()).map_err(named)?;
    made.sync_all().map_err(named)?;
    Ok(key.verifier.vkey())
}

/// The public half of a key file.
///
/// # Errors
/// A sentence that names the file.
pub fn show_key(file: &Path) -> Result<String, String> {
    Ok(load_key(file)?.verifier.vkey())
}
