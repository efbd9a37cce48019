//! One DiffCopy call, from the first STAT to the last FIN.
//!
//! We send a STAT for every entry, numbered from 0 in their order, then one that is empty. BuildKit
//! asks (REQ) for the content of those it does not have, while the STATs are still coming; each
//! is answered with DATA, the last one empty. When it has all, it sends FIN and waits for ours.
//! Reference: fsutil's `Send`, <https://github.com/tonistiigi/fsutil/blob/master/send.go>.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bollard_buildkit_proto::fsutil::types::Packet;
use bollard_buildkit_proto::fsutil::types::packet::PacketType;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tonic::{Status, Streaming};

use super::source::{FileSource, Filter, Stat, mode};
use crate::buildkit::why;

/// What goes to BuildKit; bounded, so that a slow BuildKit slows the reading.
pub(super) type Outbound = mpsc::Sender<Result<Packet, Status>>;

/// The longest DATA; with [`QUEUE`] it bounds the memory of a transfer to about half a megabyte.
const CHUNK: usize = 32 * 1024;
pub(super) const QUEUE: usize = 16;
/// Files that are read at the same time, and the walk.
const TASKS: usize = 1 + 4;

/// Why a transfer ended early.
#[derive(Debug)]
pub(super) enum Broken {
    /// Something is wrong with the files, or BuildKit said so; a person must hear of it.
    Fault(String),
    /// BuildKit hung up, which is its right.
    Gone,
}

/// What a transfer tells while it runs.
pub(super) trait Progress: Send + Sync + 'static {
    fn sent(&self, bytes: usize);
    fn file_done(&self, path: &str);
}

/// Files that BuildKit may ask for, by number.
type Offered = Arc<Mutex<HashMap<u32, Stat>>>;

/// Serves one call. Blocking work that is still under way when this returns or is dropped ends
/// at its next packet, as nobody receives it.
pub(super) async fn run(
    source: Arc<dyn FileSource>,
    filter: Filter,
    mut inbound: Streaming<Packet>,
    out: Outbound,
    progress: Arc<dyn Progress>,
) -> Result<(), Broken> {
    let offered = Offered::default();
    let mut tasks = JoinSet::new();
    tasks.spawn_blocking({
        let (source, offered, out) = (source.clone(), offered.clone(), out.clone());
        move || list(source.as_ref(), &filter, &offered, &out)
    });
    loop {
        let packet = tokio::select! {
            Some(done) = tasks.join_next() => {
                finished(done)?;
                continue;
            }
            packet = inbound.message(), if tasks.len() < TASKS => packet,
            () = out.closed() => return Err(Broken::Gone),
        };
        // A broken stream is BuildKit's doing: what it has to say comes with the solve's error.
        let Ok(Some(packet)) = packet else { return Err(Broken::Gone) };
        match packet.r#type() {
            PacketType::PacketReq => {
                let stat = lock(&offered).remove(&packet.id).ok_or_else(|| {
                    Broken::Fault(format!("BuildKit asked for file {}, which is none", packet.id))
                })?;
                let (source, out) = (source.clone(), out.clone());
                let progress = progress.clone();
                tasks.spawn_blocking(move || {
                    send(source.as_ref(), packet.id, &stat, &out, progress.as_ref())
                });
            }
            PacketType::PacketFin => break,
            PacketType::PacketErr => {
                let said = String::from_utf8_lossy(&packet.data).into_owned();
                return Err(Broken::Fault(format!("BuildKit could not take the files: {said}")));
            }
            other @ (PacketType::PacketStat | PacketType::PacketData) => {
                return Err(Broken::Fault(format!("BuildKit sent {}", other.as_str_name())));
            }
        }
    }
    while let Some(done) = tasks.join_next().await {
        finished(done)?;
    }
    let fin = Packet { r#type: PacketType::PacketFin.into(), ..Packet::default() };
    out.send(Ok(fin)).await.map_err(|_| Broken::Gone)
}

fn finished(done: Result<Result<(), Broken>, tokio::task::JoinError>) -> Result<(), Broken> {
    done.unwrap_or_else(|crash| Err(Broken::Fault(format!("reading files failed: {crash}"))))
}

fn lock(offered: &Offered) -> std::sync::MutexGuard<'_, HashMap<u32, Stat>> {
    offered.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends every STAT.
fn list(
    source: &dyn FileSource,
    filter: &Filter,
    offered: &Offered,
    out: &Outbound,
) -> Result<(), Broken> {
    let stat_packet =
        |stat| Packet { r#type: PacketType::PacketStat.into(), stat, ..<_>::default() };
    let mut next = 0_u32;
    let mut gone = false;
    let walked = source.walk(filter, &mut |stat| {
        // A hard link is made from the file it names: its content is never asked for.
        if mode::is_regular(stat.mode) && stat.linkname.is_empty() {
            lock(offered).insert(next, stat.clone());
        }
        next += 1;
        out.blocking_send(Ok(stat_packet(Some(stat)))).map_err(|_| {
            gone = true;
            io::ErrorKind::BrokenPipe.into()
        })
    });
    match walked {
        _ if gone => Err(Broken::Gone),
        Err(fault) => Err(Broken::Fault(fault.to_string())),
        Ok(()) => out.blocking_send(Ok(stat_packet(None))).map_err(|_| Broken::Gone),
    }
}

/// Sends the content of one file: exactly as many bytes as its STAT said, or an error.
fn send(
    source: &dyn FileSource,
    id: u32,
    stat: &Stat,
    out: &Outbound,
    progress: &dyn Progress,
) -> Result<(), Broken> {
    let changed = || Broken::Fault(format!("{} changed while it was sent", stat.path));
    let fault = |error: io::Error| Broken::Fault(why(&error));
    let mut file = source.open(stat).map_err(fault)?;
    let mut left = usize::try_from(stat.size).map_err(|_| changed())?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let count = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(fault)?,
        };
        left = left.checked_sub(count).ok_or_else(changed)?;
        if count == 0 && left > 0 {
            return Err(changed());
        }
        let data = buffer[..count].to_vec();
        let packet = Packet { r#type: PacketType::PacketData.into(), id, data, stat: None };
        out.blocking_send(Ok(packet)).map_err(|_| Broken::Gone)?;
        progress.sent(count);
        if count == 0 {
            progress.file_done(&stat.path);
            return Ok(());
        }
    }
}
