use pmem2::{Access, Handle, Kind, Pool, Source, platform::{Borrowed, Facts, Fail, NoId, Platform}};

/// The key that it knows its objects by can be sent to other threads if it is a number, and not if
/// it is a pointer.
#[derive(Clone, Copy)]
struct Local;

impl Platform for Local {
    type Raw = usize;
    type Id = NoId;
    fn describe(_: Borrowed<'_, Self>) -> Result<Facts<NoId>, Fail> {
        Ok(Facts::new(NoId, Kind::RegularFile, Access::READ, None))
    }
    fn size(_: Borrowed<'_, Self>, _: &Facts<NoId>) -> Result<u64, Fail> {
        Ok(1)
    }
}

struct Object;

// SAFETY: the raw value is a constant.
unsafe impl Handle for Object {
    type P = Local;
    fn platform(&self) -> Local {
        Local
    }
    fn raw(&self) -> usize {
        0
    }
}

fn main() {
    let pool = Pool::<Local, 1>::new();
    let slot = pool.source(&Object).unwrap();
    Source::new(Object).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || slot.size());
    });
}
