//! Further inputs of a build. The flags have the same forms as in `docker buildx build`.

use clap::Args;

use crate::cli::flags::{
    BuildContext, CacheFlag, HostFlag, SecretFlag, SshFlag, UlimitFlag, annotation, cgroup_parent,
    label,
};
use crate::input::{ByteSize, Network};

/// Further inputs of a build.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Inputs")]
pub(crate) struct InputArgs {
    /// Add a label to the images; without =VALUE, it is empty
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = label)]
    pub label: Vec<(String, String)>,
    /// Add an annotation to the image index and to the manifest of each platform
    #[arg(long, value_name = "NAME=VALUE", value_parser = annotation)]
    pub annotation: Vec<(String, String)>,
    /// Build this stage of the Dockerfile
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// Add a named context for FROM, COPY --from and RUN --mount=from: a directory, docker-image://REF,
    /// oci-layout://PATH, or a URL
    #[arg(long, value_name = "NAME=CONTEXT")]
    pub build_context: Vec<BuildContext>,
    /// Expose a secret to RUN --mount=type=secret: id=ID,src=FILE or id=ID,env=VARIABLE; with only an
    /// id, the environment variable or else the file of that name; optional=true if the build can do
    /// without it
    #[arg(long, value_name = "SPEC")]
    pub secret: Vec<SecretFlag>,
    /// Expose an SSH agent to RUN --mount=type=ssh: ID alone, such as `default`, is the agent of
    /// $SSH_AUTH_SOCK, and ID=PATH is the socket of another agent, or one or more private key files,
    /// separated by commas
    #[arg(long, value_name = "ID[=PATH]")]
    pub ssh: Vec<SshFlag>,
    /// Import build cache: type=registry,ref=REF or just REF, type=local,src=DIR, type=gha; without a
    /// tag in REF, each cell has its own cache
    #[arg(long, value_name = "SPEC")]
    pub cache_from: Vec<CacheFlag>,
    /// Export build cache: type=registry,ref=REF[,mode=max] or just REF, type=local,dest=DIR[,mode=max],
    /// type=inline (in the image), type=gha[,mode=max]
    #[arg(long, value_name = "SPEC")]
    pub cache_to: Vec<CacheFlag>,
    /// Network of RUN steps, instead of the one in the matrix
    #[arg(long, value_enum)]
    pub network: Option<Network>,
    /// Size of /dev/shm in RUN steps, such as 64m or 2g
    #[arg(long, value_name = "SIZE")]
    pub shm_size: Option<ByteSize>,
    /// Limit for processes of RUN steps, such as nofile=1024:2048
    #[arg(long, value_name = "NAME=SOFT[:HARD]")]
    pub ulimit: Vec<UlimitFlag>,
    /// Parent of the control groups of RUN steps, on the engine's machine
    #[arg(long, value_name = "PATH", value_parser = cgroup_parent)]
    pub cgroup_parent: Option<String>,
    /// Add a host to /etc/hosts of RUN steps; `host-gateway` is the engine's machine
    #[arg(long, value_name = "NAME=IP")]
    pub add_host: Vec<HostFlag>,
}
