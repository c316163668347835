//! One file of a rotation set, open, and how far it was read.

use crate::source::position::{Fingerprint, HEAD_BYTES, Inode, Position, modified};
use crate::source::texts::Texts;
use crate::source::unpack::{self, Stream};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file held open. As long as it is, its inode cannot become another file's.
pub(super) struct Reading {
    pub(super) path: PathBuf,
    pub(super) shown: Arc<str>,
    pub(super) inode: Inode,
    pub(super) modified: i64,
    pub(super) texts: Texts,
    /// Whether it was the live file when it was opened.
    pub(super) was_live: bool,
    /// Whether its end was reached before.
    pub(super) rested: bool,
    file: File,
    /// The text inside, when the file is compressed.
    unpacked: Option<Stream>,
    /// The first bytes of the text, as far as they were read.
    head: Vec<u8>,
    fingerprint: Fingerprint,
}

impl Reading {
    /// Opens a file to read on from `offset`, where line `line` has just ended; so many texts behind it
    /// were handed over before.
    pub(super) fn open(path: &Path, offset: u64, line: u64, ahead: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut reading = Self {
            path: path.to_path_buf(),
            shown: path.to_string_lossy().into(),
            inode: Inode::of(&metadata),
            modified: modified(&metadata),
            texts: Texts::resumed(offset, line, ahead),
            was_live: false,
            rested: false,
            unpacked: unpacked(&file)?,
            file,
            head: Vec::new(),
            fingerprint: Fingerprint::default(),
        };
        reading.skip(offset)?;
        Ok(reading)
    }

    /// Goes to `offset`, keeping the head of what is passed.
    fn skip(&mut self, offset: u64) -> io::Result<()> {
        let wanted = usize::try_from(offset).map_or(HEAD_BYTES, |offset| offset.min(HEAD_BYTES));
        if let Some(stream) = &mut self.unpacked {
            stream
                .by_ref()
                .take(wanted as u64)
                .read_to_end(&mut self.head)?;
            let rest = offset - self.head.len() as u64;
            io::copy(&mut stream.by_ref().take(rest), &mut io::sink())?;
        } else {
            self.head = head_of(&self.file, wanted)?;
        }
        Ok(())
    }

    /// Reads what comes behind everything that was fed.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match &mut self.unpacked {
            Some(stream) => stream.read(buffer)?,
            None => self.file.read_at(buffer, self.texts.fed())?,
        };
        let missing = HEAD_BYTES.saturating_sub(self.head.len());
        self.head
            .extend_from_slice(buffer.get(..missing.min(length)).unwrap_or_default());
        Ok(length)
    }

    /// Reads a compressed file no further: it is broken here.
    pub(super) fn give_up(&mut self) {
        self.unpacked = Some(Box::new(io::empty()));
    }

    pub(super) fn is_packed(&self) -> bool {
        self.unpacked.is_some()
    }

    /// Whether the file was cut, or cut and written anew, since it was read.
    pub(super) fn was_cut(&mut self) -> io::Result<bool> {
        if self.is_packed() || !self.was_live {
            return Ok(false);
        }
        let metadata = self.file.metadata()?;
        // The old size may have been reached again between two looks: then only the head can tell.
        let cut =
            metadata.len() < self.texts.fed() || head_of(&self.file, self.head.len())? != self.head;
        if !cut {
            self.modified = modified(&metadata);
        }
        Ok(cut)
    }

    /// Where to go on from, if that is not the start.
    pub(super) fn position(&mut self) -> Option<Position> {
        let offset = self.texts.offset();
        let length = usize::try_from(offset).map_or(HEAD_BYTES, |offset| offset.min(HEAD_BYTES));
        if length == 0 {
            return None;
        }
        if self.fingerprint.length != length {
            self.fingerprint = Fingerprint::of(self.head.get(..length)?);
        }
        Some(self.at_last_line(self.fingerprint.clone()))
    }

    /// The same place for finding a copy of this file: an unfinished line counts as its head too.
    pub(super) fn trace(&self) -> Option<Position> {
        let fingerprint = Fingerprint::of(&self.head);
        (!self.head.is_empty()).then(|| self.at_last_line(fingerprint))
    }

    fn at_last_line(&self, fingerprint: Fingerprint) -> Position {
        Position {
            device: self.inode.device,
            inode: self.inode.number,
            fingerprint,
            modified: self.modified,
            offset: self.texts.offset(),
            line: self.texts.line(),
            ahead: self.texts.ahead(),
        }
    }
}

/// Whether the file at `path` is the one a position speaks of: it starts alike, and is long enough.
pub(super) fn is_file_of(path: &Path, metadata: &Metadata, position: &Position) -> bool {
    let matches = || -> io::Result<bool> {
        let file = File::open(path)?;
        let length = position.fingerprint.length;
        let Some(mut stream) = unpacked(&file)? else {
            let long_enough = metadata.len() >= position.offset;
            return Ok(long_enough && position.fingerprint.matches(&head_of(&file, length)?));
        };
        let mut head = Vec::new();
        stream.by_ref().take(length as u64).read_to_end(&mut head)?;
        Ok(position.fingerprint.matches(&head))
    };
    matches().unwrap_or(false)
}

fn unpacked(file: &File) -> io::Result<Option<Stream>> {
    let magic = head_of(file, 4)?;
    if !unpack::is_packed(&magic) {
        return Ok(None);
    }
    let mut rest = file.try_clone()?;
    rest.seek(io::SeekFrom::Start(magic.len() as u64))?;
    unpack::decoder(magic, Box::new(rest)).map(Some)
}

fn head_of(file: &File, length: usize) -> io::Result<Vec<u8>> {
    let mut head = vec![0; length];
    let mut filled = 0;
    while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    head.truncate(filled);
    Ok(head)
}
