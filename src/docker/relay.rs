//! A byte stream to a command in a container, such as `buildctl dial-stdio`.

use std::io;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tokio_util::io::StreamReader;

use super::Engine;
use crate::dial::{CommandEnded, MAX_STDERR, Stream, explained};

impl Engine {
    /// Runs `command` in a running container; the stream is its stdin and stdout, for HTTP/2.
    pub(crate) async fn relay(
        &self,
        container: &str,
        command: [&'static str; 2],
    ) -> io::Result<Box<dyn Stream>> {
        let program = command[0];
        let options = CreateExecOptions {
            cmd: Some(command.map(str::to_owned).to_vec()),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..CreateExecOptions::default()
        };
        let failed = |error: bollard::errors::Error| io::Error::other(explained(&error));
        let exec = self.docker.create_exec(container, options).await.map_err(failed)?;
        let StartExecResults::Attached { output, input } =
            self.docker.start_exec(&exec.id, None).await.map_err(failed)?
        else {
            return Err(io::Error::other("the engine did not attach to the command"));
        };
        // Before the first output, stderr says why there is none.
        let state = (output, Vec::new(), false);
        let output = stream::unfold(state, move |(mut output, mut said, mut heard)| async move {
            loop {
                // The engine reports on stdout that it could not start the command. The first frame
                // of HTTP/2 starts with the high byte of its length, which is 0.
                let is_words = |output: &[u8]| !heard && output.first().is_some_and(|c| *c != 0);
                let piece = match output.next().await {
                    Some(Ok(LogOutput::StdOut { message })) if !is_words(&message) => Ok(message),
                    Some(Ok(LogOutput::StdOut { message } | LogOutput::StdErr { message })) => {
                        said.extend_from_slice(&message[..message.len().min(MAX_STDERR)]);
                        said.drain(..said.len().saturating_sub(MAX_STDERR));
                        continue;
                    }
                    Some(Ok(piece)) => Ok::<Bytes, io::Error>(piece.into_bytes()),
                    Some(Err(error)) => Err(io::Error::other(explained(&error))),
                    None if heard => return None,
                    None => Err(io::Error::other(CommandEnded::new(program, &said))),
                };
                heard = true;
                return Some((piece, (output, said, heard)));
            }
        });
        Ok(Box::new(tokio::io::join(StreamReader::new(Box::pin(output)), input)))
    }
}
