//! The libpmem2 of the Debian package, as a peer: what it answers, by the calls that are known not
//! to crash.

use std::{
    ffi::{c_char, c_int, c_uint, c_void},
    ops::Range,
    ptr::null_mut,
};

use libloading::{Library, Symbol};
use pmem2::{Granularity, map::Protection};

/// `struct pmem2_source *` and siblings.
type Object = *mut c_void;

/// The number that a function of libpmem2 returned, if it was not 0.
pub(crate) type Code = c_int;

pub(crate) struct Libpmem2(Library);

/// PMEM2_E_NO_BAD_BLOCK_FOUND.
const NO_BAD_BLOCK_FOUND: Code = -100_029;

/// PMEM2_PROT_*.
const PROTECTIONS: [(Protection, c_uint); 3] =
    [(Protection::EXEC, 1 << 29), (Protection::READ, 1 << 30), (Protection::WRITE, 1 << 31)];

/// `enum pmem2_sharing_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Shared {
    Yes = 0,
    No = 1,
}

/// A configuration. The numbers of a granularity are those of base.h.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) granularity: Granularity,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) sharing: Shared,
    pub(crate) protection: Protection,
}

impl Asked {
    const BOTH: Protection = Protection::READ.union(Protection::WRITE);

    /// All of a source, shared, for loads and stores.
    pub(crate) const fn new(granularity: Granularity) -> Self {
        let (sharing, protection) = (Shared::Yes, Self::BOTH);
        Self { granularity, offset: 0, length: 0, sharing, protection }
    }
}

fn done(code: c_int) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(code) }
}

impl Libpmem2 {
    pub(crate) fn load() -> Self {
        // SAFETY: loading it runs its constructors, which prepare it and have no demands on us.
        let library = unsafe { Library::new("libpmem2.so.1") };
        Self(
            library.unwrap_or_else(|error| panic!("{error}; `apt-get install libpmem2` brings it")),
        )
    }

    /// # Safety
    ///
    /// `F` is the type that `<libpmem2/base.h>` gives the function `name`.
    unsafe fn function<F>(&self, name: &str) -> Symbol<'_, F> {
        // SAFETY: get wants the symbol's true type, which the caller vouches for.
        unsafe { self.0.get(name) }.unwrap_or_else(|error| panic!("{error}"))
    }

    /// pmem2_source_from_fd.
    pub(crate) fn source(&self, fd: i32) -> Result<PeerSource<'_>, Code> {
        let mut source = null_mut();
        // SAFETY: the type is that of base.h; `source` is a valid place for the pointer, and any
        // number may be passed.
        let code = unsafe {
            self.function::<unsafe extern "C" fn(*mut Object, c_int) -> c_int>(
                "pmem2_source_from_fd",
            )(&raw mut source, fd)
        };
        done(code).map(|()| PeerSource { library: self, source })
    }

    /// pmem2_source_from_anon.
    pub(crate) fn anonymous_source(&self, size: usize) -> Result<PeerSource<'_>, Code> {
        let mut source = null_mut();
        // SAFETY: the type is that of base.h; `source` is a valid place for the pointer, and any
        // size may be passed.
        let code = unsafe {
            self.function::<unsafe extern "C" fn(*mut Object, usize) -> c_int>(
                "pmem2_source_from_anon",
            )(&raw mut source, size)
        };
        done(code).map(|()| PeerSource { library: self, source })
    }

    /// Calls `name`, that is one of pmem2_*_delete.
    fn delete(&self, name: &str, mut object: Object) -> Object {
        // SAFETY: every pmem2_*_delete that is called here takes a pointer to the object's pointer,
        // which is a live one.
        let code = unsafe {
            self.function::<unsafe extern "C" fn(*mut Object) -> c_int>(name)(&raw mut object)
        };
        assert_eq!(code, 0, "{name}");
        object
    }
}

/// A source of libpmem2. It is not deleted by itself: see [`delete`](PeerSource::delete).
pub(crate) struct PeerSource<'l> {
    library: &'l Libpmem2,
    source: Object,
}

impl PeerSource<'_> {
    /// Calls `name`, that is a function that puts one `T` where it is told.
    fn ask<T: Default>(&self, name: &str) -> Result<T, Code> {
        let mut answer = T::default();
        // SAFETY: the functions that are called here take the source, which is live, and a place
        // for a T.
        let code = unsafe {
            self.library.function::<unsafe extern "C" fn(Object, *mut T) -> c_int>(name)(
                self.source,
                &raw mut answer,
            )
        };
        done(code).map(|()| answer)
    }

    pub(crate) fn size(&self) -> Result<u64, Code> {
        self.ask::<usize>("pmem2_source_size").map(|size| size as u64)
    }

    pub(crate) fn alignment(&self) -> Result<u64, Code> {
        self.ask::<usize>("pmem2_source_alignment").map(|alignment| alignment as u64)
    }

    pub(crate) fn fd(&self) -> Result<i32, Code> {
        self.ask::<c_int>("pmem2_source_get_fd")
    }

    pub(crate) fn numa_node(&self) -> Result<i32, Code> {
        self.ask::<c_int>("pmem2_source_numa_node")
    }

    pub(crate) fn device_usc(&self) -> Result<u64, Code> {
        self.ask::<u64>("pmem2_source_device_usc")
    }

    /// pmem2_source_device_id with this buffer and this as its length; the length that it then
    /// says.
    fn id(&self, buffer: *mut c_char, mut length: usize) -> Result<usize, Code> {
        type Function = unsafe extern "C" fn(Object, *mut c_char, *mut usize) -> c_int;
        // SAFETY: the type is that of base.h; the callers give a null pointer, or a buffer of
        // `length` bytes with a string in it.
        let code = unsafe {
            self.library.function::<Function>("pmem2_source_device_id")(
                self.source,
                buffer,
                &raw mut length,
            )
        };
        done(code).map(|()| length)
    }

    /// The length that pmem2_source_device_id wants a buffer to have.
    pub(crate) fn device_id_length(&self) -> Result<usize, Code> {
        self.id(null_mut(), 0)
    }

    /// pmem2_source_device_id into a buffer of zeros, as it is then.
    pub(crate) fn device_id<const N: usize>(&self) -> Result<[u8; N], Code> {
        self.device_id_into([0; N])
    }

    /// pmem2_source_device_id into this buffer, which has a string in it, as it is then.
    pub(crate) fn device_id_into<const N: usize>(
        &self,
        mut buffer: [u8; N],
    ) -> Result<[u8; N], Code> {
        self.id(buffer.as_mut_ptr().cast(), N).map(|_| buffer)
    }

    /// pmem2_source_pread_mcsafe.
    pub(crate) fn pread(&self, buffer: &mut [u8], offset: u64) -> Result<(), Code> {
        self.transfer("pmem2_source_pread_mcsafe", buffer, offset)
    }

    /// pmem2_source_pwrite_mcsafe, which takes no const pointer.
    pub(crate) fn pwrite(&self, buffer: &mut [u8], offset: u64) -> Result<(), Code> {
        self.transfer("pmem2_source_pwrite_mcsafe", buffer, offset)
    }

    fn transfer(&self, name: &str, buffer: &mut [u8], offset: u64) -> Result<(), Code> {
        type Function = unsafe extern "C" fn(Object, *mut c_void, usize, usize) -> c_int;
        let offset = usize::try_from(offset).expect("a 64-bit machine");
        // SAFETY: both functions have this type in base.h; the source is live, and the buffer has
        // so many bytes.
        done(unsafe {
            self.library.function::<Function>(name)(
                self.source,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                offset,
            )
        })
    }

    /// pmem2_badblock_context_new, then pmem2_badblock_next until it has no more: the ranges, and
    /// what it says in the place of the next one unless that is that there is none.
    pub(crate) fn bad_blocks(&self) -> (Vec<Range<u64>>, Option<Code>) {
        let mut found = Vec::new();
        let end = self.with_bad_blocks(|context| {
            loop {
                let mut block = [0_usize; 2];
                // SAFETY: the type is that of base.h, where `struct pmem2_badblock` is two numbers;
                // the context is live.
                let code = unsafe {
                    let name = "pmem2_badblock_next";
                    self.library
                        .function::<unsafe extern "C" fn(Object, *mut [usize; 2]) -> c_int>(name)(
                        context,
                        &raw mut block,
                    )
                };
                match code {
                    0 => found.push(block[0] as u64..block[0] as u64 + block[1] as u64),
                    NO_BAD_BLOCK_FOUND => break Ok(()),
                    code => break Err(code),
                }
                assert!(found.len() < 100_000, "it goes on for ever");
            }
        });
        (found, end.and_then(|end| end).err())
    }

    /// pmem2_badblock_clear of this range, whatever it is.
    pub(crate) fn clear_bad_blocks(&self, range: &Range<u64>) -> Result<(), Code> {
        let block = [range.start as usize, (range.end - range.start) as usize];
        self.with_bad_blocks(|context| {
            let name = "pmem2_badblock_clear";
            // SAFETY: the type is that of base.h, where `struct pmem2_badblock` is two numbers; the
            // context is live.
            let code = unsafe {
                self.library
                    .function::<unsafe extern "C" fn(Object, *const [usize; 2]) -> c_int>(name)(
                    context,
                    &raw const block,
                )
            };
            done(code)
        })?
    }

    fn with_bad_blocks<T>(&self, body: impl FnOnce(Object) -> T) -> Result<T, Code> {
        let mut context = null_mut();
        // SAFETY: the type is that of base.h; `context` is a valid place for the pointer, and the
        // source is live.
        let code = unsafe {
            self.library.function::<unsafe extern "C" fn(*mut Object, Object) -> c_int>(
                "pmem2_badblock_context_new",
            )(&raw mut context, self.source)
        };
        done(code)?;
        let result = body(context);
        // SAFETY: the type is that of base.h, and the context is not used any more.
        unsafe {
            self.library
                .function::<unsafe extern "C" fn(*mut Object)>("pmem2_badblock_context_delete")(
                &raw mut context,
            );
        }
        Ok(result)
    }

    /// pmem2_source_delete, which has to leave a null pointer.
    pub(crate) fn delete(self) {
        assert!(self.library.delete("pmem2_source_delete", self.source).is_null());
    }

    /// The verdict of pmem2_config_set_offset, pmem2_config_set_length and pmem2_map_new on this
    /// range, with page granularity; the mapping's length if it was made.
    pub(crate) fn map(&self, offset: u64, length: u64) -> Result<u64, Code> {
        let asked = Asked { offset, length, ..Asked::new(Granularity::Page) };
        self.mapped(&asked).map(|(length, _)| length)
    }

    /// The granularity that pmem2_map_new gives a mapping of so many bytes, where any will do:
    /// PMEM2_GRANULARITY_*.
    pub(crate) fn granted(
        &self,
        length: u64,
        sharing: Shared,
        writable: bool,
    ) -> Result<i32, Code> {
        let protection = if writable { Asked::BOTH } else { Protection::READ };
        let asked = Asked { length, sharing, protection, ..Asked::new(Granularity::Page) };
        self.mapped(&asked).map(|(_, granularity)| granularity)
    }

    /// The length and the granularity (PMEM2_GRANULARITY_*) of a mapping that was made as
    /// configured, or the first code that was not 0.
    pub(crate) fn mapped(&self, asked: &Asked) -> Result<(u64, i32), Code> {
        let config = self.new_config();
        let answer = self.configure(config, asked).and_then(|()| {
            self.with_map(config, |map| {
                // SAFETY: the type is that of base.h, and the map is live.
                let length = unsafe {
                    let name = "pmem2_map_get_size";
                    self.library.function::<unsafe extern "C" fn(Object) -> usize>(name)(map)
                };
                // SAFETY: the type is that of base.h, where an enum is an int, and the map is live.
                let granularity = unsafe {
                    let name = "pmem2_map_get_store_granularity";
                    self.library.function::<unsafe extern "C" fn(Object) -> c_int>(name)(map)
                };
                (length as u64, granularity)
            })
        });
        self.library.delete("pmem2_config_delete", config);
        answer
    }

    /// Makes a mapping, asks it, and takes it back.
    fn with_map<T>(&self, config: Object, ask: impl FnOnce(Object) -> T) -> Result<T, Code> {
        let library = self.library;
        let mut map = null_mut();
        // SAFETY: the type is that of base.h; `map` is a valid place for the pointer, config and
        // source are live.
        let code = unsafe {
            library.function::<unsafe extern "C" fn(*mut Object, Object, Object) -> c_int>(
                "pmem2_map_new",
            )(&raw mut map, config, self.source)
        };
        done(code)?;
        let answer = ask(map);
        library.delete("pmem2_map_delete", map);
        Ok(answer)
    }

    fn new_config(&self) -> Object {
        let mut config = null_mut();
        // SAFETY: the type is that of base.h; `config` is a valid place for the pointer.
        let code = unsafe {
            self.library.function::<unsafe extern "C" fn(*mut Object) -> c_int>("pmem2_config_new")(
                &raw mut config,
            )
        };
        assert_eq!(code, 0, "pmem2_config_new");
        config
    }

    fn configure(&self, config: Object, asked: &Asked) -> Result<(), Code> {
        for (name, value) in
            [("pmem2_config_set_offset", asked.offset), ("pmem2_config_set_length", asked.length)]
        {
            let value = usize::try_from(value).expect("a 64-bit machine");
            // SAFETY: both functions have this type in base.h, and the configuration is live.
            done(unsafe {
                self.library.function::<unsafe extern "C" fn(Object, usize) -> c_int>(name)(
                    config, value,
                )
            })?;
        }
        for (name, value) in [
            ("pmem2_config_set_required_store_granularity", asked.granularity as c_int),
            ("pmem2_config_set_sharing", asked.sharing as c_int),
        ] {
            // SAFETY: both functions have this type in base.h, where an enum is an int, and the
            // configuration is live.
            done(unsafe {
                self.library.function::<unsafe extern "C" fn(Object, c_int) -> c_int>(name)(
                    config, value,
                )
            })?;
        }
        let mut protection = 0;
        for (ours, theirs) in PROTECTIONS {
            protection |= if asked.protection.contains(ours) { theirs } else { 0 };
        }
        // SAFETY: the type is that of base.h, and the configuration is live.
        done(unsafe {
            self.library.function::<unsafe extern "C" fn(Object, c_uint) -> c_int>(
                "pmem2_config_set_protection",
            )(config, protection)
        })
    }
}
