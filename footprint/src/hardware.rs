//! One register to read, one to write, and one bank of flash.

/// Where everything comes from.
const INPUT: *const u32 = 0x4000_0000 as *const u32;
/// Where everything goes to.
const OUTPUT: *mut u32 = 0x4000_0004 as *mut u32;
const FLASH: *mut u8 = 0x0808_0000 as *mut u8;

/// Something nobody knows.
pub fn read() -> u32 {
    // SAFETY: a register of the imagined chip.
    unsafe { INPUT.read_volatile() }
}

/// The same, twice as much.
pub fn read_long() -> u64 {
    u64::from(read()) << 32 | u64::from(read())
}

/// Something that is wanted.
pub fn write(value: u32) {
    // SAFETY: a register of the imagined chip.
    unsafe { OUTPUT.write_volatile(value) }
}

/// Bytes that are wanted.
pub fn write_bytes(bytes: &[u8]) {
    for byte in bytes {
        write(u32::from(*byte));
    }
}

/// Fills `bytes` with what nobody knows.
pub fn fill(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = read() as u8;
    }
}

/// Reads flash.
pub fn flash_read(offset: u32, into: &mut [u8]) {
    for (place, byte) in (offset as usize..).zip(into) {
        // SAFETY: the journal stays inside the geometry, and the flash is that large.
        *byte = unsafe { FLASH.wrapping_add(place).read_volatile() };
    }
}

/// Writes flash.
pub fn flash_write(offset: u32, bytes: &[u8]) {
    for (place, byte) in (offset as usize..).zip(bytes) {
        // SAFETY: as above.
        unsafe { FLASH.wrapping_add(place).write_volatile(*byte) }
    }
}

/// Copies initial values to RAM and clears the rest.
pub fn start() {
    unsafe extern "C" {
        static mut data_start: u32;
        static mut data_end: u32;
        static data_load: u32;
        static mut bss_start: u32;
        static mut bss_end: u32;
    }
    // SAFETY: the link script's symbols bound these words, and nothing else runs yet.
    unsafe {
        let mut from = &raw const data_load;
        let mut to = &raw mut data_start;
        while to < &raw mut data_end {
            to.write_volatile(from.read_volatile());
            (from, to) = (from.wrapping_add(1), to.wrapping_add(1));
        }
        let mut to = &raw mut bss_start;
        while to < &raw mut bss_end {
            to.write_volatile(0);
            to = to.wrapping_add(1);
        }
    }
}
