//! The real code of the backend over a kernel that is a script: what each call leads to, and what
//! each error number in each call does. And what is only seen of the real kernel.

mod addresses;
mod badblocks;
mod budget;
mod disk;
mod hostile;
mod inject;
mod kernel;
mod machine;
mod map;
mod medium;
mod place;
mod source;
mod transfer;
mod world;
