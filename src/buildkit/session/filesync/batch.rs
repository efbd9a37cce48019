//! Batches of packets to BuildKit.
//!
//! Most packets are small, and passing each of them from the reading thread to the connection would
//! cost more than the packet itself.

use bollard_buildkit_proto::fsutil::types::Packet;
use tokio::sync::mpsc;

/// The queue of batches. It is bounded, so that a slow BuildKit slows down reading.
pub(super) type Outbound = mpsc::Sender<Vec<Packet>>;

/// Queued batches. Together with the limits of a batch, this bounds the memory of a transfer to
/// about 2 MB, without the metadata of the files.
pub(super) const QUEUE: usize = 16;
/// A batch is sent when it has this many packets, or this many bytes of content.
const PACKETS: usize = 64;
const BYTES: usize = 32 * 1024;

/// Why a transfer ended early.
#[derive(Debug)]
pub(super) enum Broken {
    /// A problem with the files, or an error that BuildKit reported; shown to the user.
    Fault(String),
    /// BuildKit closed the stream, which is allowed.
    Gone,
}

/// Packets that were not sent yet.
pub(super) struct Batch {
    packets: Vec<Packet>,
    bytes: usize,
    out: Outbound,
}

impl Batch {
    pub(super) fn new(out: Outbound) -> Self {
        Self { packets: Vec::new(), bytes: 0, out }
    }

    /// Adds a packet; sends the batch if it is full. Blocks while the queue is full.
    pub(super) fn push(&mut self, packet: Packet) -> Result<(), Broken> {
        self.bytes += packet.data.len();
        self.packets.push(packet);
        if self.packets.len() >= PACKETS || self.bytes >= BYTES { self.flush() } else { Ok(()) }
    }

    /// Sends the current batch.
    pub(super) fn flush(&mut self) -> Result<(), Broken> {
        self.bytes = 0;
        let packets = std::mem::take(&mut self.packets);
        if packets.is_empty() {
            return Ok(());
        }
        self.out.blocking_send(packets).map_err(|_| Broken::Gone)
    }
}
