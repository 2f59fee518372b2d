//! The members of a tar as they pass, each with the place of its bytes.
//!
//! The `tar` crate's own reader holds long names however long, and does not tell an end from a break; what is needed here is
//! headers, and where their bytes are. Old, ustar, GNU and pax headers are read. A tar ends with a block of zeros; where there
//! is none, or where something follows, it was cut or damaged.

use std::io::Read;

use tar::{EntryType, Header, PaxExtensions};

const BLOCK: u64 = 512;

/// Longer names, or notes beside a member, are not held.
const MAX_NAME: u64 = 64 << 10;

/// The members, front to back.
pub struct Members<R> {
    input: R,
    /// Bytes that were read.
    at: u64,
    /// Where the next header is.
    next: u64,
    /// That header, where it was read already.
    header: Option<Header>,
}

/// A member. Its bytes may be read once.
pub struct Member<'a> {
    pub name: String,
    pub kind: MemberKind,
    /// Of the bytes, in the tar.
    pub offset: u64,
    pub size: u64,
    input: &'a mut dyn Read,
    read: &'a mut u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    File,
    Link,
    Sparse,
}

/// What was said of the member that follows.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    /// Where a header has no room for it.
    size: Option<u64>,
    sparse: bool,
}

impl<R: Read> Members<R> {
    pub fn new(input: R) -> Self {
        Self { input, at: 0, next: 0, header: None }
    }

    /// The next file or link, none at the end. Directories and devices are passed over. After an error there is nothing more.
    pub fn next(&mut self) -> Result<Option<Member<'_>>, String> {
        let mut said = Said::default();
        loop {
            self.skip()?;
            let start = self.next;
            let Some(header) = self.header()? else {
                return Err(match start {
                    0 => "the tar is empty".to_owned(),
                    _ => format!("the tar has no end: it was cut off, or not finished, after {start} bytes"),
                });
            };
            if header.as_bytes().iter().all(|byte| *byte == 0) {
                return self.finish(start).map(|()| None);
            }
            let damaged = |why: &str| format!("the header at byte {start} is damaged: {why}");
            if header.cksum().ok() != Some(sum(&header)) {
                return Err(match header.as_bytes() {
                    [0x1f, 0x8b, ..] if start == 0 => "the tar is compressed: a photo in it has no place".to_owned(),
                    _ => damaged("its checksum is wrong"),
                });
            }
            let size = header.entry_size().map_err(|_| damaged("it has no size"))?;
            let size = said.size.filter(|_| has_bytes(&header)).unwrap_or(size);
            let offset = start + BLOCK;
            let end = size.checked_next_multiple_of(BLOCK).and_then(|size| size.checked_add(offset));
            self.next = end.ok_or_else(|| damaged("its size cannot be"))?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    let mut name = self.note(size).map_err(|why| damaged(&why))?;
                    // A zero ends it; one within it is damage, which no checksum would tell.
                    name.pop_if(|last| *last == 0);
                    if name.contains(&0) {
                        return Err(damaged("the long name behind it has a zero"));
                    }
                    said.name = Some(name);
                }
                EntryType::GNULongLink | EntryType::XGlobalHeader => {}
                EntryType::XHeader => {
                    let note = self.note(size).map_err(|why| damaged(&why))?;
                    for pair in PaxExtensions::new(&note) {
                        let pair = pair.map_err(|_| damaged("its pax records are none"))?;
                        match pair.key_bytes() {
                            b"path" | b"GNU.sparse.name" => said.name = Some(pair.value_bytes().to_vec()),
                            b"size" => {
                                let size = pair.value().ok().and_then(|size| size.parse().ok());
                                said.size = Some(size.ok_or_else(|| damaged("it states no size"))?);
                            }
                            key if key.starts_with(b"GNU.sparse.") => said.sparse = true,
                            _ => {}
                        }
                    }
                }
                kind @ (EntryType::Regular
                | EntryType::Continuous
                | EntryType::Link
                | EntryType::Symlink
                | EntryType::GNUSparse) => {
                    let name = said.name.take().unwrap_or_else(|| header.path_bytes().into_owned());
                    let name = String::from_utf8_lossy(&name);
                    let name = name.trim_start_matches("./").to_owned();
                    let kind = match kind {
                        EntryType::Link | EntryType::Symlink => MemberKind::Link,
                        EntryType::GNUSparse => {
                            self.sparse_header(&header)?;
                            MemberKind::Sparse
                        }
                        _ if said.sparse => MemberKind::Sparse,
                        _ => MemberKind::File,
                    };
                    if kind == MemberKind::Link {
                        self.next = offset;
                    }
                    let (input, read) = (&mut self.input, &mut self.at);
                    return Ok(Some(Member { name, kind, offset, size, input, read }));
                }
                // Without bytes, whatever their headers say.
                EntryType::Directory | EntryType::Char | EntryType::Block | EntryType::Fifo => {
                    said = Said::default();
                    self.next = offset;
                }
                _ => said = Said::default(),
            }
        }
    }

    /// How many files there are, behind an error, of which `counts` says yes: from where headers are good again.
    pub fn behind(&mut self, counts: impl Fn(&str) -> bool) -> u64 {
        let mut found = 0;
        while self.find_header() {
            while let Ok(Some(member)) = self.next() {
                found += u64::from(member.kind == MemberKind::File && counts(&member.name));
            }
        }
        found
    }

    /// Goes on to the next block that is a header by its checksum.
    fn find_header(&mut self) -> bool {
        if self.header.is_some() {
            return true;
        }
        self.next = self.at.next_multiple_of(BLOCK);
        if self.skip().is_err() {
            return false;
        }
        while let Ok(Some(header)) = self.header() {
            let is_zero = header.as_bytes().iter().all(|byte| *byte == 0);
            if !is_zero && header.cksum().ok() == Some(sum(&header)) {
                self.next = self.at - BLOCK;
                self.header = Some(header);
                return true;
            }
        }
        false
    }

    /// The next block, none at the end.
    fn header(&mut self) -> Result<Option<Header>, String> {
        if let Some(header) = self.header.take() {
            return Ok(Some(header));
        }
        let mut header = Header::new_old();
        Ok(self.fill(header.as_mut_bytes())?.then_some(header))
    }

    /// A sparse member may have further headers before its bytes.
    fn sparse_header(&mut self, header: &Header) -> Result<(), String> {
        let mut more = header.as_gnu().is_some_and(|gnu| gnu.is_extended());
        while more {
            let mut block = [0; BLOCK as usize];
            if !self.fill(&mut block)? {
                return Err(format!("the tar breaks off at byte {}", self.at));
            }
            self.next = self.next.saturating_add(BLOCK);
            more = block[504] == 1;
        }
        Ok(())
    }

    /// A long name or pax records.
    fn note(&mut self, size: u64) -> Result<Vec<u8>, String> {
        if size > MAX_NAME {
            return Err(format!("{size} bytes of notes on a member are more than the {MAX_NAME} allowed"));
        }
        let mut note = vec![0; size as usize];
        if self.fill(&mut note)? { Ok(note) } else { Err("it breaks off".to_owned()) }
    }

    fn skip(&mut self) -> Result<(), String> {
        let left = self.next.saturating_sub(self.at);
        let skipped = std::io::copy(&mut (&mut self.input).take(left), &mut std::io::sink());
        self.at += skipped.map_err(|e| e.to_string())?;
        if self.at < self.next {
            Err(format!("the tar breaks off at byte {}, within a member", self.at))
        } else {
            Ok(())
        }
    }

    /// Reads as many bytes, or says that there were none.
    fn fill(&mut self, into: &mut [u8]) -> Result<bool, String> {
        match self.read(into)? {
            0 if !into.is_empty() => Ok(false),
            read if read == into.len() => Ok(true),
            _ => Err(format!("the tar breaks off at byte {}", self.at)),
        }
    }

    /// Reads as many bytes, or all that are left.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, String> {
        let mut filled = 0;
        while filled < into.len() {
            match self.input.read(&mut into[filled..]) {
                Ok(0) => break,
                Ok(read) => {
                    filled += read;
                    self.at += read as u64;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.to_string()),
            }
        }
        Ok(filled)
    }

    /// What follows the end are zeros that fill a record.
    fn finish(&mut self, end: u64) -> Result<(), String> {
        loop {
            let mut block = Header::new_old();
            let read = self.read(block.as_mut_bytes())?;
            if block.as_bytes()[..read].iter().any(|byte| *byte != 0) {
                self.next = self.at - read as u64;
                self.header = (read as u64 == BLOCK).then_some(block);
                return Err(format!(
                    "something follows the end of the tar at byte {end}: it is damaged, or two tars in one"
                ));
            }
            if read == 0 {
                return Ok(());
            }
        }
    }
}

impl Member<'_> {
    /// The bytes. Callers have judged `size`.
    pub fn bytes(&mut self) -> Result<Vec<u8>, String> {
        // A header may promise more than there is.
        let mut bytes = Vec::with_capacity(self.size.min(1 << 20) as usize);
        let read = (&mut *self.input).take(self.size).read_to_end(&mut bytes);
        *self.read += bytes.len() as u64;
        read.map_err(|e| e.to_string())?;
        if bytes.len() as u64 == self.size {
            Ok(bytes)
        } else {
            Err(format!("the tar breaks off within the member, after {} of {} bytes", bytes.len(), self.size))
        }
    }
}

/// A note on the member that follows is not that member.
fn has_bytes(header: &Header) -> bool {
    use EntryType::{GNULongLink, GNULongName, XGlobalHeader, XHeader};
    !matches!(header.entry_type(), GNULongName | GNULongLink | XHeader | XGlobalHeader)
}

/// The sum of a header's bytes, its own place taken as spaces.
fn sum(header: &Header) -> u32 {
    let bytes = header.as_bytes();
    bytes[..148].iter().chain(&bytes[156..]).map(|byte| u32::from(*byte)).sum::<u32>() + 8 * u32::from(b' ')
}
