//! The build cache of an engine: its size, and the removal of parts of it.
//!
//! Source: <https://github.com/moby/buildkit/blob/master/cache/manager.go> (`Prune`)

use bollard_buildkit_proto::moby::buildkit::v1::{DiskUsageRequest, PruneRequest, UsageRecord};

use super::{Client, SolveError};

impl Client {
    /// The size of the cache in bytes, as BuildKit counts it for [`Self::prune`].
    pub(crate) async fn cache_size(&self) -> Result<u64, SolveError> {
        let usage = self.control().disk_usage(DiskUsageRequest::default()).await;
        let records = usage.map_err(|status| self.failed(status))?.into_inner().record;
        Ok(sum(records.iter().filter(|record| !record.shared)))
    }

    /// Removes from the cache what was not used for the longest time, until at most `keep` bytes are left.
    /// What a build uses stays. Returns how many bytes were removed.
    pub(crate) async fn prune(&self, keep: u64) -> Result<u64, SolveError> {
        // Before BuildKit 0.17, the same field has the name `keepBytes`. Zero would be no limit.
        let reserved_space = i64::try_from(keep.max(1)).unwrap_or(i64::MAX);
        let request = PruneRequest { reserved_space, ..PruneRequest::default() };
        let pruning = self.control().prune(request).await;
        let mut pruned = pruning.map_err(|status| self.failed(status))?.into_inner();
        let mut removed = 0;
        while let Some(record) = pruned.message().await.map_err(|status| self.failed(status))? {
            removed += sum([&record]);
        }
        Ok(removed)
    }
}

fn sum<'r>(records: impl IntoIterator<Item = &'r UsageRecord>) -> u64 {
    records.into_iter().map(|record| u64::try_from(record.size).unwrap_or(0)).sum()
}
