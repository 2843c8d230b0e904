//! What the first file system holds, and how it is packed into a reproducible cpio archive.
