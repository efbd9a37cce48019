//! Limits how many tests run at the same time.
//!
//! A starting container needs a core, and an emulated one needs it several times as long. With more
//! containers than cores, even healthy ones time out.

use std::num::NonZeroUsize;

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many slots an emulated test uses.
const EMULATED: u32 = 2;

/// One slot for each test that may run. Slots are granted in the order of the requests.
pub(crate) struct SmokeSlots {
    free: Semaphore,
    all: u32,
}

/// A granted slot, released when this is dropped.
pub(crate) type SmokeSlot<'a> = SemaphorePermit<'a>;

impl SmokeSlots {
    pub(crate) fn new(all: NonZeroUsize) -> Self {
        let all = u32::try_from(all.get()).unwrap_or(u32::MAX).min(1 << 16);
        Self { free: Semaphore::new(all as usize), all }
    }

    /// A slot, if one is free now and no other test waits.
    pub(crate) fn try_take(&self, is_emulated: bool) -> Option<SmokeSlot<'_>> {
        self.free.try_acquire_many(self.count(is_emulated)).ok()
    }

    /// Waits for a slot.
    pub(crate) async fn take(&self, is_emulated: bool) -> SmokeSlot<'_> {
        let taken = self.free.acquire_many(self.count(is_emulated)).await;
        taken.expect("the semaphore is never closed")
    }

    /// At most the number of all slots.
    fn count(&self, is_emulated: bool) -> u32 {
        if is_emulated { EMULATED.min(self.all) } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn slots(all: usize) -> SmokeSlots {
        SmokeSlots::new(NonZeroUsize::new(all).unwrap())
    }

    #[test]
    fn an_emulated_test_uses_two_slots() {
        for (all, native, emulated) in [(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 4, 2), (16, 16, 8)] {
            for (is_emulated, most) in [(false, native), (true, emulated)] {
                let slots = slots(all);
                let mut taken = Vec::new();
                while let Some(slot) = slots.try_take(is_emulated) {
                    taken.push(slot);
                }
                assert_eq!(taken.len(), most, "{all} slots, emulated: {is_emulated}");
                taken.pop();
                assert!(slots.try_take(is_emulated).is_some(), "one was released");
            }
        }
    }

    #[test]
    fn slots_are_granted_in_order() {
        let slots = slots(2);
        let one = slots.try_take(false).unwrap();
        let mut emulated = std::pin::pin!(slots.take(true));
        assert!(emulated.as_mut().now_or_never().is_none());
        // One is free, but the emulated test waits for two.
        let mut native = std::pin::pin!(slots.take(false));
        assert!(native.as_mut().now_or_never().is_none());
        drop(one);
        assert!(emulated.now_or_never().is_some());
        assert!(native.now_or_never().is_some());
    }

    #[test]
    fn a_cancelled_wait_uses_no_slot() {
        let slots = slots(1);
        let one = slots.try_take(true).unwrap();
        {
            let mut waiting = std::pin::pin!(slots.take(false));
            assert!(waiting.as_mut().now_or_never().is_none());
        }
        drop(one);
        assert!(slots.try_take(false).is_some());
    }
}
