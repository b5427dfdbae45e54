//! Storage for the pool: a fixed number of slots in the caller's memory, taken and returned without
//! a lock.
//!
//! Each slot has a flag of its own instead of a bit in a shared word. Stable Rust cannot compute
//! the number of words from `N`, and the flag lies in the same cache line as the value.

use core::{fmt, marker::PhantomData, mem::MaybeUninit, ops::Deref};

use sync::{AtomicBool, AtomicUsize, Ordering, UnsafeCell};

/// The values that a pool of [`Slots`] holds: a type with a lifetime.
pub trait Stored {
    /// The type, for each lifetime. A slot that is given back drops its value.
    type With<'h>;
}

/// `N` slots for values of `S`, for any number of threads and signal handlers.
///
/// Taking and returning a slot are lock-free: a thread that is stopped halfway blocks nobody. All
/// bytes are zero at the start, so that a `static` takes no room in the program's file.
pub struct Slots<S: Stored, const N: usize> {
    /// The number of slots taken or promised, at most `N`. Raising it promises a slot.
    promised: AtomicUsize,
    /// The index to look at first. Any value is right; the slot returned last is found soonest.
    hint: AtomicUsize,
    slots: [Slot<S>; N],
}

struct Slot<S: Stored> {
    taken: AtomicBool,
    value: UnsafeCell<MaybeUninit<S::With<'static>>>,
}

// SAFETY: a value is reached only through its lease, and leases hand out only shared borrows. A
// value passes from the thread that wrote it to others only with its lease (Send and Sync of Lease
// below), and its slot to the next owner through `taken`: returned with Release, taken with
// Acquire. The values must be Send, since a pool may outlive the thread that put one there.
unsafe impl<S: Stored, const N: usize> Sync for Slots<S, N> where S::With<'static>: Send {}

impl<S: Stored> Slot<S> {
    #[cfg(not(loom))]
    const fn empty() -> Self {
        Self { taken: AtomicBool::new(false), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    #[cfg(loom)]
    fn empty() -> Self {
        Self { taken: AtomicBool::new(false), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }
}

impl<S: Stored, const N: usize> Slots<S, N> {
    /// Makes `N` empty slots.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            promised: AtomicUsize::new(0),
            hint: AtomicUsize::new(0),
            slots: [const { Slot::empty() }; N],
        }
    }

    /// Makes `N` empty slots. (The model checker's atomics cannot be made in a constant.)
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        let slots = core::array::from_fn(|_| Slot::empty());
        Self { promised: AtomicUsize::new(0), hint: AtomicUsize::new(0), slots }
    }

    /// Puts `value` into a free slot; gives it back where all are taken.
    ///
    /// The count is exact: this fails only if at some moment during the call all `N` slots were
    /// taken or promised to others.
    pub fn put<'h>(&self, value: S::With<'h>) -> Result<Lease<'_, 'h, S, N>, S::With<'h>> {
        if !self.promise() {
            return Err(value);
        }
        // At most N are promised, this one among them, and every taken slot belongs to another
        // promise. So at least one slot is free at any moment. The search goes round again only if
        // others took what it had not reached and returned what it had passed: they made progress.
        loop {
            let start = self.hint.load(Ordering::Relaxed).checked_rem(N).unwrap_or(0);
            let (before, after) = self.slots.split_at_checked(start).unwrap_or((&[], &self.slots));
            for (passed, slot) in after.iter().chain(before).enumerate() {
                // Not a swap: a failed attempt writes nothing, so that a flag's history is taken,
                // returned, taken.
                if slot
                    .taken
                    .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
                {
                    let index = start.wrapping_add(passed);
                    let index = index.checked_sub(N).unwrap_or(index);
                    self.hint.store(index.wrapping_add(1), Ordering::Relaxed);
                    // SAFETY: the flag was free and is ours now, by an exchange that nobody else
                    // can have won; the previous owner's reads came before its Release. So nobody
                    // else reads or writes the value. With<'static> and With<'h> differ only in the
                    // lifetime, which does not affect layout.
                    slot.value
                        .with_mut(|memory| unsafe { memory.cast::<S::With<'h>>().write(value) });
                    return Ok(Lease { slots: self, slot, index, lifetime: PhantomData });
                }
            }
            sync::spin();
        }
    }

    /// Returns the lease that [`Lease::into_raw`] gave up for `value`. `None` if no value lies
    /// exactly there, or none that is taken: giving a pointer back twice is then harmless, as long
    /// as the slot was not taken again in between.
    ///
    /// # Safety
    ///
    /// `value` is what `into_raw` returned for a lease of these slots, whose `'h` has not ended,
    /// and this is called once for each such return.
    #[must_use]
    pub unsafe fn lease_from_raw<'h>(
        &self,
        value: *const S::With<'h>,
    ) -> Option<Lease<'_, 'h, S, N>> {
        let offset = value.addr().wrapping_sub(core::ptr::from_ref(&self.slots).addr());
        let index = offset.checked_div(size_of::<Slot<S>>())?;
        let slot = self.slots.get(index)?;
        let live = slot.value.with(|memory| memory.addr()) == value.addr()
            && slot.taken.load(Ordering::Acquire);
        // Not then_some, which would make a lease in any case and return the slot with it.
        live.then(|| Lease { slots: self, slot, index, lifetime: PhantomData })
    }

    /// Promises a slot to the caller, unless all are promised.
    fn promise(&self) -> bool {
        let mut promised = self.promised.load(Ordering::Relaxed);
        loop {
            let Some(more) = promised.checked_add(1).filter(|&more| more <= N) else {
                return false;
            };
            match self.promised.compare_exchange_weak(
                promised,
                more,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => promised = now,
            }
        }
    }

    /// Returns the number of slots taken at this moment.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.promised.load(Ordering::Relaxed)
    }
}

impl<S: Stored, const N: usize> Default for Slots<S, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Stored, const N: usize> fmt::Debug for Slots<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {N} slots taken", self.taken())
    }
}

/// A taken slot, returned when dropped, after its value. Forgetting a lease (`mem::forget`) loses
/// slot and value.
pub struct Lease<'p, 'h, S: Stored, const N: usize> {
    slots: &'p Slots<S, N>,
    slot: &'p Slot<S>,
    /// The index of the slot.
    index: usize,
    /// The lease stands for its value.
    lifetime: PhantomData<S::With<'h>>,
}

// SAFETY: a lease is the only owner of its value, and takes it along to another thread (With:
// Send). It also carries shared borrows of the atomics, which are Sync. The slot's UnsafeCell is
// accessed only for this lease's value.
unsafe impl<'h, S: Stored, const N: usize> Send for Lease<'_, 'h, S, N> where S::With<'h>: Send {}
// SAFETY: a shared lease gives only a shared borrow of the value.
unsafe impl<'h, S: Stored, const N: usize> Sync for Lease<'_, 'h, S, N> where S::With<'h>: Sync {}

impl<'h, S: Stored, const N: usize> Lease<'static, 'h, S, N> {
    /// Exchanges the lease for a pointer to its value, for owners that have only pointers (C).
    ///
    /// The slot stays taken, and nobody writes to the value, until [`Slots::lease_from_raw`] makes
    /// a lease of the pointer again. The slots are borrowed for ever, so that they are neither
    /// moved nor overwritten meanwhile.
    #[must_use]
    pub fn into_raw(self) -> *const S::With<'h> {
        let value = self.slot.value.with(|memory| memory.cast::<S::With<'h>>());
        core::mem::forget(self);
        value
    }
}

impl<'h, S: Stored, const N: usize> Deref for Lease<'_, 'h, S, N> {
    type Target = S::With<'h>;

    #[inline]
    fn deref(&self) -> &S::With<'h> {
        // SAFETY: the lease was made after a value of With<'h> was written here, and while the
        // lease lives nobody writes: the slot is taken. The borrow ends before the lease does.
        self.slot.value.with(|memory| unsafe { &*memory.cast::<S::With<'h>>() })
    }
}

impl<'h, S: Stored, const N: usize> fmt::Debug for Lease<'_, 'h, S, N>
where
    S::With<'h>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<'h, S: Stored, const N: usize> Drop for Lease<'_, 'h, S, N> {
    #[inline]
    fn drop(&mut self) {
        if core::mem::needs_drop::<S::With<'h>>() {
            self.slot.value.with_mut(|memory| {
                // SAFETY: drop_in_place requires a valid value that is used no more: one of
                // With<'h> was written before this lease was made, which owns it and ends here.
                unsafe { memory.cast::<S::With<'h>>().drop_in_place() };
            });
        }
        // First the slot, then the promise: a promise must find a free slot. Where C returns a
        // pointer twice at once, only one of the two returns the slot (its objects need no drop).
        if self.slot.taken.swap(false, Ordering::Release) {
            self.slots.hint.store(self.index, Ordering::Relaxed);
            self.slots.promised.fetch_sub(1, Ordering::Release);
        }
    }
}

/// The ground of the slots: the machine's atomics, the model checker's, or a critical section.
mod sync {
    #[cfg(all(
        not(loom),
        target_has_atomic = "ptr",
        not(all(test, feature = "critical-section"))
    ))]
    pub(super) use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    // With the feature, this crate's own tests run over critical sections.
    #[cfg(all(
        not(loom),
        any(not(target_has_atomic = "ptr"), all(test, feature = "critical-section"))
    ))]
    pub(super) use super::critical::{AtomicBool, AtomicUsize, Ordering};

    #[cfg(loom)]
    pub(super) use loom::{
        cell::UnsafeCell,
        sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    };

    /// Waits a moment before a search goes round again.
    #[inline]
    pub(super) fn spin() {
        #[cfg(not(loom))]
        core::hint::spin_loop();
        #[cfg(loom)]
        loom::thread::yield_now();
    }

    /// The standard library's cell with the model checker's methods.
    #[cfg(not(loom))]
    pub(super) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

    #[cfg(not(loom))]
    impl<T> UnsafeCell<T> {
        #[inline]
        pub(super) const fn new(value: T) -> Self {
            Self(core::cell::UnsafeCell::new(value))
        }

        #[inline]
        pub(super) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }

        #[inline]
        pub(super) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }
}

/// Atomics for targets without compare-and-swap: each operation is a critical section, which the
/// program provides (crate critical-section). On other targets only tests use them.
#[cfg(all(feature = "critical-section", any(test, not(target_has_atomic = "ptr"))))]
mod critical {
    use core::cell::Cell;

    pub(super) use core::sync::atomic::Ordering;
    use critical_section::{Mutex, with};

    macro_rules! atomic {
        ($name:ident, $value:ty) => {
            pub(super) struct $name(Mutex<Cell<$value>>);

            impl $name {
                pub(super) const fn new(value: $value) -> Self {
                    Self(Mutex::new(Cell::new(value)))
                }

                fn replace(&self, next: impl FnOnce($value) -> $value) -> $value {
                    with(|section| {
                        let cell = self.0.borrow(section);
                        let value = cell.get();
                        cell.set(next(value));
                        value
                    })
                }

                pub(super) fn load(&self, _: Ordering) -> $value {
                    self.replace(|value| value)
                }

                pub(super) fn compare_exchange(
                    &self,
                    current: $value,
                    new: $value,
                    _: Ordering,
                    _: Ordering,
                ) -> Result<$value, $value> {
                    let value = self.replace(|value| if value == current { new } else { value });
                    if value == current { Ok(value) } else { Err(value) }
                }
            }
        };
    }

    atomic!(AtomicBool, bool);
    atomic!(AtomicUsize, usize);

    impl AtomicBool {
        pub(super) fn swap(&self, value: bool, _: Ordering) -> bool {
            self.replace(|_| value)
        }
    }

    impl AtomicUsize {
        pub(super) fn store(&self, value: usize, _: Ordering) {
            self.replace(|_| value);
        }

        pub(super) fn compare_exchange_weak(
            &self,
            current: usize,
            new: usize,
            success: Ordering,
            failure: Ordering,
        ) -> Result<usize, usize> {
            self.compare_exchange(current, new, success, failure)
        }

        pub(super) fn fetch_sub(&self, less: usize, _: Ordering) -> usize {
            self.replace(|value| value.wrapping_sub(less))
        }
    }
}

// The path is for tests/loom, which compiles this file at another place.
#[cfg(all(test, not(loom)))]
#[path = "slots/tests.rs"]
mod tests;
