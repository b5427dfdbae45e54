//! Raw storage for the pool: a fixed number of slots in the caller's memory, taken and given back
//! without a lock.
//!
//! Each slot has a flag of its own, not a bit of a word that it shares: the number of words would
//! have to be computed from `N`, which stable Rust cannot, and the flag lies in the same cache line
//! as the value that is about to be written.

use core::{fmt, marker::PhantomData, mem::MaybeUninit, ops::Deref};

use sync::{AtomicBool, AtomicUsize, Ordering, UnsafeCell};

/// The values that a pool of [`Slots`] holds: a type with a lifetime.
pub trait Stored {
    /// The type, for each lifetime. A slot that is given back does not drop its value: where that
    /// matters, whoever gives it back did.
    type With<'h>;
}

/// `N` slots for values of `S`, for any number of threads and signal handlers.
///
/// Taking and giving back are lock-free: whoever is interrupted or stopped in the midst of one,
/// keeps nobody else from either. All bytes are zero at the start, so that a `static` takes no room
/// in the program's file.
pub struct Slots<S: Stored, const N: usize> {
    /// How many slots are taken or promised: never more than `N`. Whoever has raised it has been
    /// promised a slot.
    promised: AtomicUsize,
    /// Where to look first: any value is right, and the slot that was given back last is soonest
    /// found.
    hint: AtomicUsize,
    slots: [Slot<S>; N],
}

struct Slot<S: Stored> {
    taken: AtomicBool,
    value: UnsafeCell<MaybeUninit<S::With<'static>>>,
}

// SAFETY: a value is reached through its lease alone, and leases hand out shared borrows only. A
// value passes from the thread that wrote it to others only with its lease (Send and Sync of Lease
// below), and its slot to the next owner through `taken`: given back with Release, taken with
// Acquire. Send is asked of the values since a pool may outlive the thread that put one there.
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
        // promise: at any moment at least one slot is free. The search goes round again only if
        // others took what it had not reached yet, and gave back what it had passed; they made
        // progress then.
        loop {
            let start = self.hint.load(Ordering::Relaxed).checked_rem(N).unwrap_or(0);
            let (before, after) = self.slots.split_at_checked(start).unwrap_or((&[], &self.slots));
            for (passed, slot) in after.iter().chain(before).enumerate() {
                // Not a swap: an attempt that fails writes nothing, so that a flag's history is
                // taken, given back, taken.
                if slot
                    .taken
                    .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
                {
                    let index = start.wrapping_add(passed);
                    let index = index.checked_sub(N).unwrap_or(index);
                    self.hint.store(index.wrapping_add(1), Ordering::Relaxed);
                    // SAFETY: the flag was free and is ours now, by an exchange that no one else
                    // can have won; the previous owner's reads came before its Release. So nobody
                    // else reads or writes the value. With<'static> and With<'h> are one type but
                    // for the lifetime, which has no part in layout.
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
        // Not then_some, which would make a lease in any case and give the slot back with it.
        live.then(|| Lease { slots: self, slot, index, lifetime: PhantomData })
    }

    /// Promises a slot to the caller, unless all are.
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

/// A taken slot. It is given back when this is dropped; forgetting this (`mem::forget`) loses the
/// slot, and nothing else.
pub struct Lease<'p, 'h, S: Stored, const N: usize> {
    slots: &'p Slots<S, N>,
    slot: &'p Slot<S>,
    /// The slot's, among the slots.
    index: usize,
    /// The lease stands for the value that it was made with.
    lifetime: PhantomData<S::With<'h>>,
}

// SAFETY: a lease is the one owner of its value. Sent to another thread it takes the value along
// (With: Send); it carries shared borrows of the atomics too, which are Sync. The slot's UnsafeCell
// is touched for this lease's value alone.
unsafe impl<'h, S: Stored, const N: usize> Send for Lease<'_, 'h, S, N> where S::With<'h>: Send {}
// SAFETY: a shared lease gives nothing but a shared borrow of the value.
unsafe impl<'h, S: Stored, const N: usize> Sync for Lease<'_, 'h, S, N> where S::With<'h>: Sync {}

impl<'h, S: Stored, const N: usize> Lease<'static, 'h, S, N> {
    /// Gives the lease up for a pointer to its value, for owners that only have pointers (C). The
    /// slot stays taken until [`Slots::lease_from_raw`] makes a lease of the pointer again. Until
    /// then nobody writes to the value. The slots are borrowed for ever, so that they are neither
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

impl<S: Stored, const N: usize> Drop for Lease<'_, '_, S, N> {
    #[inline]
    fn drop(&mut self) {
        // First the slot, then the promise: a promise must find a free slot. The value is not
        // dropped: see Stored. Where C gave a pointer back twice at once, only one of the two gives
        // the slot back.
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

    // Where the feature is on, this crate's own tests run over it too.
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

    /// Called when a search goes round again.
    #[inline]
    pub(super) fn spin() {
        #[cfg(not(loom))]
        core::hint::spin_loop();
        #[cfg(loom)]
        loom::thread::yield_now();
    }

    /// The standard cell with the model checker's methods.
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

/// Atomics where there is no compare-and-swap: each operation is a critical section, which the
/// program provides (crate critical-section). Elsewhere it is compiled for tests alone.
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

// The path is given for tests/loom too, which compiles this file at another place.
#[cfg(all(test, not(loom)))]
#[path = "slots/tests.rs"]
mod tests;
