//! The control connection over a stream that is open.

use http::HeaderMap;

use super::recorded::Recorded;
use crate::buildkit::{Client, SolveError, Worker};
use crate::dial::{Dialer, Stream};

/// Opens the control connection, and asks for the workers: an answer shows that it works. Every call has
/// `headers`.
pub(super) async fn connect(
    stream: Box<dyn Stream>,
    dialer: Option<Dialer>,
    headers: HeaderMap,
) -> Result<(Client, Vec<Worker>), String> {
    let (stream, ended) = Recorded::new(stream, dialer);
    let asked = async {
        let client = Client::connect(stream, headers).await?;
        let workers = client.workers().await?;
        Ok((client, workers))
    };
    asked.await.map_err(|error: SolveError| ended.get().cloned().unwrap_or(error.message))
}
