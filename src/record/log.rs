//! The log of a cell: its lines as the plain display prints them, compressed.
//!
//! A log is a sequence of chunks. Each is a gzip member of its own, and is appended with one call. So no file
//! is open between two chunks, a log without its end can be read up to there, and a log can be read while it
//! is written. `zcat` reads such a file as one text.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use crate::cell_name::CellName;
use crate::regular;

/// The directory of logs in that of a run.
pub(super) const LOGS: &str = "logs";

/// A chunk is written when it has this many bytes. Deflate looks back no further.
const CHUNK: usize = 32 << 10;

/// A chunk that is longer than this is not ours.
const LONGEST_CHUNK: u64 = 4 << 20;

/// The logs of a run that are being written.
pub(super) struct Logs {
    directory: PathBuf,
    /// What is not written yet.
    waiting: HashMap<CellName, Vec<u8>>,
    /// Its tables are large: to make them for each chunk takes longer than to compress it.
    deflate: Compress,
}

/// What a gzip member without a name and a time begins with: RFC 1952, 2.3.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

impl Logs {
    pub(super) fn new(directory: PathBuf) -> Self {
        let deflate = Compress::new(Compression::fast(), false);
        Self { directory, waiting: HashMap::new(), deflate }
    }

    /// Adds lines to the log of `cell`.
    pub(super) fn add(&mut self, cell: &CellName, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let waiting = match self.waiting.get_mut(cell) {
            Some(waiting) => waiting,
            None => self.waiting.entry(cell.clone()).or_default(),
        };
        waiting.extend_from_slice(lines);
        if waiting.len() < CHUNK {
            return Ok(());
        }
        append(&self.directory, cell, &compressed(&mut self.deflate, waiting)?)?;
        waiting.clear();
        Ok(())
    }

    /// Writes what waits for `cell`, which has ended.
    pub(super) fn end(&mut self, cell: &CellName) -> io::Result<()> {
        match self.waiting.remove(cell) {
            Some(waiting) if !waiting.is_empty() => {
                append(&self.directory, cell, &compressed(&mut self.deflate, &waiting)?)
            }
            _ => Ok(()),
        }
    }

    /// Writes everything that waits.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        for (cell, waiting) in self.waiting.iter_mut().filter(|(_, waiting)| !waiting.is_empty()) {
            append(&self.directory, cell, &compressed(&mut self.deflate, waiting)?)?;
            waiting.clear();
        }
        Ok(())
    }
}

/// The file of the log of `cell`.
pub(super) fn path(directory: &Path, cell: &str) -> PathBuf {
    directory.join(format!("{cell}.log.gz"))
}

/// `text` as a gzip member.
fn compressed(deflate: &mut Compress, text: &[u8]) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK / 4);
    chunk.extend(HEADER);
    deflate.reset();
    let mut rest = text;
    loop {
        let before = deflate.total_in();
        let status = deflate.compress_vec(rest, &mut chunk, FlushCompress::Finish);
        if status.map_err(io::Error::other)? == Status::StreamEnd {
            break;
        }
        rest = &rest[(deflate.total_in() - before) as usize..];
        chunk.reserve(CHUNK / 4);
    }
    let mut sum = Crc::new();
    sum.update(text);
    chunk.extend(sum.sum().to_le_bytes());
    chunk.extend(sum.amount().to_le_bytes());
    Ok(chunk)
}

fn append(directory: &Path, cell: &str, chunk: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.append(true).create(true).mode(0o600);
    let file =
        regular::open_with(&mut options, &path(directory, cell), rustix::fs::OFlags::NOFOLLOW);
    file?.write_all(chunk)
}

/// Reads the log of a cell, chunk by chunk.
pub(crate) struct LogReader {
    path: PathBuf,
    /// Where the next chunk begins.
    next: u64,
    /// What can be read of a chunk that has no end.
    torn: Vec<u8>,
}

impl LogReader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, next: 0, torn: Vec::new() }
    }

    /// The next chunk, which has complete lines; `None` if there is no complete one, or none yet.
    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.torn.clear();
        let mut file = match regular::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => BufReader::new(file?),
        };
        file.seek(SeekFrom::Start(self.next))?;
        if file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let (mut decoder, mut text) = (GzDecoder::new(file), Vec::new());
        match decoder.by_ref().take(LONGEST_CHUNK).read_to_end(&mut text) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.torn = text;
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
        self.next = decoder.into_inner().stream_position()?;
        Ok(Some(text))
    }

    /// The complete lines of a chunk without an end, at the end of the log of a run that was killed.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let end = self.torn.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.torn.truncate(end);
        std::mem::take(&mut self.torn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: &mut LogReader) -> String {
        let mut text = Vec::new();
        while let Some(chunk) = reader.next().unwrap() {
            text.extend(chunk);
        }
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_log_is_read_back_while_it_is_written_and_without_its_end() {
        let at = tempfile::tempdir().unwrap();
        let cell = CellName::from("v1");
        let mut logs = Logs::new(at.path().to_owned());
        let mut reader = LogReader::new(path(at.path(), "v1"));
        assert_eq!(read(&mut reader), "");
        let lines = |from: u32, to: u32| (from..to).map(|n| format!("line {n}\n"));
        for line in lines(0, 10_000) {
            logs.add(&cell, line.as_bytes()).unwrap();
        }
        let first = read(&mut reader);
        assert!(first.len() > CHUNK && lines(0, 10_000).collect::<String>().starts_with(&first));
        logs.flush().unwrap();
        let second = read(&mut reader);
        assert_eq!(first + &second, lines(0, 10_000).collect::<String>());

        for line in lines(10_000, 10_100) {
            logs.add(&cell, line.as_bytes()).unwrap();
        }
        let whole = std::fs::read(&reader.path).unwrap().len();
        logs.end(&cell).unwrap();
        let length = std::fs::read(&reader.path).unwrap().len();
        let file = File::options().write(true).open(&reader.path).unwrap();
        for cut in [whole + 1, whole + 12, (whole + length) / 2, length - 1] {
            let content = std::fs::read(&reader.path).unwrap();
            let mut torn = LogReader::new(at.path().join("torn"));
            std::fs::write(&torn.path, &content[..cut]).unwrap();
            assert_eq!(read(&mut torn), lines(0, 10_000).collect::<String>());
            let rest = String::from_utf8(torn.rest()).unwrap();
            assert!(lines(10_000, 10_100).collect::<String>().starts_with(&rest));
            assert!(cut < length - 1 || !rest.is_empty());
        }
        drop(file);
        assert_eq!(read(&mut reader), lines(10_000, 10_100).collect::<String>());
        assert!(length < 100_000, "{length}");
    }

    #[test]
    fn a_chunk_that_cannot_be_compressed_is_read_back() {
        let mut deflate = Compress::new(Compression::fast(), false);
        let mut state = 1_u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        for length in [1, CHUNK / 4, CHUNK * 2] {
            let text: Vec<u8> = (0..length).map(|_| byte()).collect();
            let chunk = compressed(&mut deflate, &text).unwrap();
            let mut found = Vec::new();
            // It also checks the sum and the length.
            flate2::read::GzDecoder::new(&chunk[..]).read_to_end(&mut found).unwrap();
            assert_eq!(found, text);
        }
    }

    #[test]
    fn a_file_that_is_no_log_is_an_error() {
        let at = tempfile::tempdir().unwrap();
        std::fs::write(at.path().join("x"), "this is no log at all").unwrap();
        assert!(LogReader::new(at.path().join("x")).next().is_err());
    }
}
