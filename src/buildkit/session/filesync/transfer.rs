//! One DiffCopy call, from the first STAT to the last FIN.
//!
//! We send a STAT for every entry, numbered from 0 in order, and then an empty one. BuildKit
//! requests (REQ) the content of files that it does not have, while STATs are still arriving. Each
//! request is answered with DATA packets, the last one empty. When BuildKit has everything, it
//! sends FIN and waits for ours. Reference: fsutil's `Send`,
//! <https://github.com/tonistiigi/fsutil/blob/master/send.go>.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bollard_buildkit_proto::fsutil::types::Packet;
use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use tokio::task::JoinSet;
use tonic::Streaming;

use super::batch::{Batch, Broken, Outbound};
use super::source::{FileSource, Filter, Stat, mode};
use crate::buildkit::why;

/// The maximum length of DATA.
const CHUNK: usize = 32 * 1024;
/// Concurrent tasks: the walk and the file readers.
const TASKS: usize = 1 + 4;

/// Receives the events of a running transfer.
pub(super) trait Progress: Send + Sync + 'static {
    fn sent(&self, bytes: usize);
    fn listed(&self, entries: u32);
    fn file_done(&self);
}

/// The walk pauses while this many requested files have not been read: each costs BuildKit a
/// goroutine.
const ASKED: usize = 1_000;

/// The files of one call.
#[derive(Default)]
struct Files {
    state: Mutex<State>,
    /// Notified when the walk may continue.
    fewer: Condvar,
}

#[derive(Default)]
struct State {
    /// Files that BuildKit may request, by number.
    offered: HashMap<u32, File>,
    /// Requested files that have not been read yet.
    asked: VecDeque<(u32, File)>,
    /// Whether no more files will be read.
    closed: bool,
}

/// The metadata that is needed to send a file. There may be hundreds of thousands.
struct File {
    path: Box<str>,
    size: i64,
    mod_time: i64,
}

impl Files {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a file available to requests; blocks while there are many requests.
    fn offer(&self, id: u32, file: File) {
        let many = |state: &mut State| state.asked.len() >= ASKED && !state.closed;
        let state = self.fewer.wait_while(self.lock(), many);
        state.unwrap_or_else(PoisonError::into_inner).offered.insert(id, file);
    }

    /// Accepts a request at once, even if many files are queued: requests that stay in the
    /// connection use more memory, and count against its limit.
    fn ask(&self, id: u32) -> Result<(), Broken> {
        let mut state = self.lock();
        let file = state.offered.remove(&id).ok_or_else(|| {
            Broken::Fault(format!("BuildKit requested file {id}, which does not exist"))
        })?;
        state.asked.push_back((id, file));
        Ok(())
    }

    /// The next file to read.
    fn next(&self) -> Option<(u32, File)> {
        let mut state = self.lock();
        let next = state.asked.pop_front();
        if state.asked.len() == ASKED - 1 {
            self.fewer.notify_all();
        }
        next
    }
}

/// Wakes up a paused walk when the call ends, for any reason.
struct Closing(Arc<Files>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.fewer.notify_all();
    }
}

/// Serves one call. Blocking work that is still running when this returns or is dropped ends at its
/// next batch, because the receiver is gone.
pub(super) async fn run(
    source: Arc<dyn FileSource>,
    filter: Filter,
    mut inbound: Streaming<Packet>,
    out: Outbound,
    progress: Arc<dyn Progress>,
) -> Result<(), Broken> {
    let files = Arc::new(Files::default());
    let _closing = Closing(files.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn_blocking({
        let (source, files, out) = (source.clone(), files.clone(), out.clone());
        let progress = progress.clone();
        move || list(source.as_ref(), &filter, &files, out, progress.as_ref())
    });
    loop {
        let packet = tokio::select! {
            Some(done) = tasks.join_next() => {
                finished(done)?;
                None
            }
            packet = inbound.message() => Some(packet),
            () = out.closed() => return Err(Broken::Gone),
        };
        if let Some(packet) = packet {
            // A broken stream is BuildKit's doing: its reason is in the solve's error.
            let Ok(Some(packet)) = packet else { return Err(Broken::Gone) };
            match packet.r#type() {
                PacketType::PacketReq => files.ask(packet.id)?,
                PacketType::PacketFin => break,
                PacketType::PacketErr => {
                    let said = String::from_utf8_lossy(&packet.data).into_owned();
                    return Err(Broken::Fault(format!(
                        "BuildKit could not take the files: {said}"
                    )));
                }
                other @ (PacketType::PacketStat | PacketType::PacketData) => {
                    return Err(Broken::Fault(format!("BuildKit sent {}", other.as_str_name())));
                }
            }
        }
        // A reader ends when there are no requests, so the last one may have missed a file.
        if tasks.len() < TASKS && !files.lock().asked.is_empty() {
            let (source, files, out) = (source.clone(), files.clone(), out.clone());
            let progress = progress.clone();
            tasks.spawn_blocking(move || read(source.as_ref(), &files, out, progress.as_ref()));
        }
    }
    while let Some(done) = tasks.join_next().await {
        finished(done)?;
    }
    let fin = Packet { r#type: PacketType::PacketFin.into(), ..Packet::default() };
    out.send(vec![fin]).await.map_err(|_| Broken::Gone)
}

fn finished(done: Result<Result<(), Broken>, tokio::task::JoinError>) -> Result<(), Broken> {
    done.unwrap_or_else(|crash| Err(Broken::Fault(format!("reading files failed: {crash}"))))
}

/// Sends every STAT.
fn list(
    source: &dyn FileSource,
    filter: &Filter,
    files: &Files,
    out: Outbound,
    progress: &dyn Progress,
) -> Result<(), Broken> {
    let stat_packet =
        |stat| Packet { r#type: PacketType::PacketStat.into(), stat, ..<_>::default() };
    let mut batch = Batch::new(out);
    let mut next = 0_u32;
    let mut gone = false;
    let walked = source.walk(filter, &mut |stat| {
        // BuildKit creates a hard link from the file that it names, and never requests its content.
        if mode::is_regular(stat.mode) && stat.linkname.is_empty() {
            let path = stat.path.as_str().into();
            let file = File { path, size: stat.size, mod_time: stat.mod_time };
            files.offer(next, file);
        }
        next += 1;
        batch.push(stat_packet(Some(stat))).map_err(|_| {
            gone = true;
            io::ErrorKind::BrokenPipe.into()
        })
    });
    progress.listed(next);
    match walked {
        _ if gone => Err(Broken::Gone),
        Err(fault) => Err(Broken::Fault(fault.to_string())),
        Ok(()) => batch.push(stat_packet(None)).and_then(|()| batch.flush()),
    }
}

/// Sends requested files until there are none.
fn read(
    source: &dyn FileSource,
    files: &Files,
    out: Outbound,
    progress: &dyn Progress,
) -> Result<(), Broken> {
    let mut batch = Batch::new(out);
    let mut buffer = vec![0; CHUNK];
    loop {
        let Some((id, file)) = files.next() else { return batch.flush() };
        send(source, id, file, &mut buffer, &mut batch, progress)?;
    }
}

/// Sends the content of one file: exactly as many bytes as its STAT says, or an error.
fn send(
    source: &dyn FileSource,
    id: u32,
    file: File,
    buffer: &mut [u8],
    batch: &mut Batch,
    progress: &dyn Progress,
) -> Result<(), Broken> {
    let File { path, size, mod_time } = file;
    let stat = Stat { path: path.into_string(), size, mod_time, ..Stat::default() };
    let changed = || Broken::Fault(format!("{} changed during the transfer", stat.path));
    let fault = |error: io::Error| Broken::Fault(why(&error));
    let mut content = source.open(&stat).map_err(fault)?;
    let mut left = usize::try_from(stat.size).map_err(|_| changed())?;
    loop {
        let count = match content.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(fault)?,
        };
        left = left.checked_sub(count).ok_or_else(changed)?;
        if count == 0 && left > 0 {
            return Err(changed());
        }
        let data = buffer[..count].to_vec();
        batch.push(Packet { r#type: PacketType::PacketData.into(), id, data, stat: None })?;
        progress.sent(count);
        if count == 0 {
            progress.file_done();
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn file() -> File {
        File { path: "x".into(), size: 0, mod_time: 0 }
    }

    /// Enough requested files to pause the walk.
    fn busy() -> Arc<Files> {
        let files = Arc::new(Files::default());
        for id in 0..ASKED as u32 {
            files.offer(id, file());
            files.ask(id).map_err(|_| ()).unwrap();
        }
        files
    }

    #[test]
    fn a_paused_walk_continues_when_a_file_is_read_or_the_call_ends() {
        let read: fn(Arc<Files>) = |files| assert_eq!(files.next().map(|(id, _)| id), Some(0));
        let ended: fn(Arc<Files>) = |files| drop(Closing(files));
        for release in [read, ended] {
            let files = busy();
            let walk = thread::spawn({
                let files = files.clone();
                move || files.offer(u32::MAX, file())
            });
            assert!(!files.lock().offered.contains_key(&u32::MAX), "the walk waits");
            release(files.clone());
            walk.join().unwrap();
            assert!(files.lock().offered.contains_key(&u32::MAX));
        }
    }
}
