//! The ion.
