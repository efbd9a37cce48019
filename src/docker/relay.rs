//! A byte stream to a command in a container, such as `buildctl dial-stdio`.

use std::io;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tokio_util::io::StreamReader;

use super::Engine;
use crate::dial::{CommandEnded, MAX_STDERR, Stream};
use crate::error::why;

impl Engine {
    /// Runs `command` in a running container; the stream is its stdin and stdout.
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
        let failed = |error: bollard::errors::Error| io::Error::other(why(&error));
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
                let piece = match output.next().await {
                    Some(Ok(LogOutput::StdErr { message })) => {
                        said.extend_from_slice(&message[..message.len().min(MAX_STDERR)]);
                        said.drain(..said.len().saturating_sub(MAX_STDERR));
                        continue;
                    }
                    Some(Ok(piece)) => Ok::<Bytes, io::Error>(piece.into_bytes()),
                    Some(Err(error)) => Err(io::Error::other(why(&error))),
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
