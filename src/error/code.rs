//! The numbers of libpmem2's errors, from `<libpmem2/base.h>`. -100002 was never given.

macro_rules! codes {
    ($($variant:ident $symbol:ident $number:literal;)*) => {
        /// A code of libpmem2(7), with its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum Code {
            $(
                #[doc = concat!("`", stringify!($symbol), "`")]
                $variant = $number,
            )*
        }

        impl Code {
            /// Every code, in the order of `<libpmem2/base.h>`.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The number, negative.
            #[must_use]
            pub const fn raw(self) -> i32 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            /// The name in C.
            #[must_use]
            pub const fn symbol(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($symbol),)*
                }
            }
        }
    };
}

codes! {
    Unknown PMEM2_E_UNKNOWN -100_000;
    NoSupp PMEM2_E_NOSUPP -100_001;
    FileHandleNotSet PMEM2_E_FILE_HANDLE_NOT_SET -100_003;
    InvalidFileHandle PMEM2_E_INVALID_FILE_HANDLE -100_004;
    InvalidFileType PMEM2_E_INVALID_FILE_TYPE -100_005;
    MapRange PMEM2_E_MAP_RANGE -100_006;
    MappingExists PMEM2_E_MAPPING_EXISTS -100_007;
    GranularityNotSet PMEM2_E_GRANULARITY_NOT_SET -100_008;
    GranularityNotSupported PMEM2_E_GRANULARITY_NOT_SUPPORTED -100_009;
    OffsetOutOfRange PMEM2_E_OFFSET_OUT_OF_RANGE -100_010;
    OffsetUnaligned PMEM2_E_OFFSET_UNALIGNED -100_011;
    InvalidAlignmentFormat PMEM2_E_INVALID_ALIGNMENT_FORMAT -100_012;
    InvalidAlignmentValue PMEM2_E_INVALID_ALIGNMENT_VALUE -100_013;
    InvalidSizeFormat PMEM2_E_INVALID_SIZE_FORMAT -100_014;
    LengthUnaligned PMEM2_E_LENGTH_UNALIGNED -100_015;
    MappingNotFound PMEM2_E_MAPPING_NOT_FOUND -100_016;
    BufferTooSmall PMEM2_E_BUFFER_TOO_SMALL -100_017;
    SourceEmpty PMEM2_E_SOURCE_EMPTY -100_018;
    InvalidSharingValue PMEM2_E_INVALID_SHARING_VALUE -100_019;
    SrcDevdaxPrivate PMEM2_E_SRC_DEVDAX_PRIVATE -100_020;
    InvalidAddressRequestType PMEM2_E_INVALID_ADDRESS_REQUEST_TYPE -100_021;
    AddressUnaligned PMEM2_E_ADDRESS_UNALIGNED -100_022;
    AddressNull PMEM2_E_ADDRESS_NULL -100_023;
    DeepFlushRange PMEM2_E_DEEP_FLUSH_RANGE -100_024;
    InvalidRegionFormat PMEM2_E_INVALID_REGION_FORMAT -100_025;
    DaxRegionNotFound PMEM2_E_DAX_REGION_NOT_FOUND -100_026;
    InvalidDevFormat PMEM2_E_INVALID_DEV_FORMAT -100_027;
    CannotReadBounds PMEM2_E_CANNOT_READ_BOUNDS -100_028;
    NoBadBlockFound PMEM2_E_NO_BAD_BLOCK_FOUND -100_029;
    LengthOutOfRange PMEM2_E_LENGTH_OUT_OF_RANGE -100_030;
    InvalidProtFlag PMEM2_E_INVALID_PROT_FLAG -100_031;
    NoAccess PMEM2_E_NO_ACCESS -100_032;
    VmReservationNotEmpty PMEM2_E_VM_RESERVATION_NOT_EMPTY -100_033;
    MapExists PMEM2_E_MAP_EXISTS -100_034;
    FileDescriptorNotSet PMEM2_E_FILE_DESCRIPTOR_NOT_SET -100_035;
    SourceTypeNotSupported PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED -100_036;
    IoFail PMEM2_E_IO_FAIL -100_037;
}
