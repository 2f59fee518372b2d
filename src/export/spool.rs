//! A file on its way to its place: written to a temporary file piece by piece, and hashed meanwhile, so that no shard is held in memory.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom, Write};

use super::manifest::ManifestFile;
use crate::error::{Context, Result};
use crate::spill::full;

/// A temporary file that is being written.
pub struct Spool {
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
    failed: Option<std::io::Error>,
}

/// One that is whole.
pub struct Spooled {
    pub file: File,
    pub bytes: u64,
    /// BLAKE3, hexadecimal.
    pub blake3: String,
}

impl Spool {
    pub fn new() -> Result<Self> {
        let file = BufWriter::with_capacity(1 << 20, tempfile::tempfile().map_err(full)?);
        Ok(Self { file, hasher: blake3::Hasher::new(), bytes: 0, failed: None })
    }

    /// What `write` writes. Where the temporary file is what failed, the error says so.
    pub fn filled(mut self, write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<Spooled> {
        let written = write(&mut self);
        if let Some(failed) = self.failed.take() {
            return Err(full(failed));
        }
        written?;
        let mut file = self.file.into_inner().map_err(|e| full(e.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(full)?;
        Ok(Spooled { file, bytes: self.bytes, blake3: self.hasher.finalize().to_hex().to_string() })
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.file.write(bytes) {
            Ok(n) => {
                self.hasher.update(&bytes[..n]);
                self.bytes += n as u64;
                Ok(n)
            }
            Err(e) => {
                self.failed = Some(std::io::Error::new(e.kind(), e.to_string()));
                Err(e)
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Spooled {
    /// Its bytes from the start.
    pub fn reader(&self) -> Result<BufReader<&File>> {
        let lost = || "cannot read a temporary file again".to_owned();
        (&self.file).seek(SeekFrom::Start(0)).or_input(lost)?;
        Ok(BufReader::with_capacity(1 << 20, &self.file))
    }

    /// The manifest's entry of it.
    pub fn entry(&self, path: &str, rows: Option<usize>) -> ManifestFile {
        ManifestFile { path: path.to_owned(), bytes: self.bytes, blake3: self.blake3.clone(), rows }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::error::Error;

    #[test]
    fn what_is_written_is_read_again_and_hashed() {
        let text = "one piece, and ".repeat(200_000);
        let spooled = Spool::new().unwrap().filled(|out| {
            for piece in text.as_bytes().chunks(777) {
                out.write_all(piece).or_input(|| "cannot write".into())?;
            }
            Ok(())
        });
        let spooled = spooled.unwrap();
        assert_eq!(spooled.entry("x", None), ManifestFile::of("x", text.as_bytes(), None));
        for _ in 0..2 {
            let mut again = String::new();
            spooled.reader().unwrap().read_to_string(&mut again).unwrap();
            assert!(again == text);
        }
        let refused = Spool::new().unwrap().filled(|_| Err(Error::input("a record is wrong"))).err().unwrap();
        assert_eq!(refused.to_string(), "a record is wrong");
    }
}
