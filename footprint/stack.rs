//! The most stack each call of an image can take, from the linked machine code: a bound, not a
//! measurement. `measure.sh` compiles and runs it.
//!
//! The image is all there is: one LTO unit without symbols from elsewhere. A function takes what its
//! instructions subtract from the stack pointer, all of them together; a call takes that and what the
//! most expensive function takes that it calls or jumps to. An indirect call may go to any function
//! whose address stands anywhere in the image. Recursion, and any instruction that does to the stack
//! pointer or the program counter what is not understood here, is an error.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, ExitCode};

#[derive(Default)]
struct Function {
    name: String,
    end: u32,
    frame: u32,
    /// Where calls and jumps out of it go.
    callees: BTreeSet<u32>,
    calls_indirectly: bool,
}

/// An image, read from its disassembly.
#[derive(Default)]
struct Image {
    functions: BTreeMap<u32, Function>,
    /// Every number that code loads or data holds.
    constants: BTreeSet<u32>,
}

type Result<T> = std::result::Result<T, String>;

impl Image {
    fn read(objdump: &str, path: &str) -> Result<Self> {
        let text = output(objdump, &["-d", "--no-show-raw-insn", path])?;
        let starts: BTreeSet<u32> =
            text.lines().filter_map(header).map(|(start, _)| start).collect();
        let mut image = Self::default();
        let mut here = 0;
        let mut halves: BTreeMap<String, u32> = BTreeMap::new();
        for line in text.lines() {
            if let Some((start, name)) = header(line) {
                here = start;
                halves.clear();
                let end = starts.range(start + 1..).next().copied().unwrap_or(u32::MAX);
                let function = Function { name, end, ..Function::default() };
                image.functions.insert(start, function);
            } else if let Some((mnemonic, operands)) = instruction(line) {
                let Some(function) = image.functions.get_mut(&here) else { continue };
                image.constants.extend(constant(mnemonic, operands, &mut halves));
                function.take(here, mnemonic, operands).map_err(|why| format!("{why}: {line}"))?;
            }
        }
        for section in [".rodata", ".data"] {
            let dump = output(objdump, &["-s", "-j", section, path])?;
            image.constants.extend(dump.lines().flat_map(words));
        }
        Ok(image)
    }

    /// The functions whose address is known to somebody.
    fn addressed(&self) -> BTreeSet<u32> {
        let known = |start: &&u32| self.constants.contains(&(**start | 1));
        self.functions.keys().filter(known).copied().collect()
    }

    /// The function that `address` is in.
    fn around(&self, address: u32) -> Result<u32> {
        let found = self.functions.range(..=address).next_back();
        found.map(|(start, _)| *start).ok_or(format!("no function at {address:#x}"))
    }

    /// What a call of the function at `start` takes, and whom it calls for that.
    fn depth(&self, start: u32, walk: &mut Walk) -> Result<u32> {
        match walk.known.get(&start) {
            Some(Depth::Known { bytes, .. }) => return Ok(*bytes),
            Some(Depth::Open) => return Err(format!("{} calls itself", self.name(start))),
            None => {}
        }
        walk.known.insert(start, Depth::Open);
        let function = &self.functions[&start];
        let mut callees = function.callees.clone();
        if function.calls_indirectly {
            callees.extend(&walk.addressed);
        }
        let (mut deepest, mut through) = (0, None);
        for callee in callees {
            let callee = self.around(callee)?;
            let bytes = self.depth(callee, walk)?;
            if bytes > deepest {
                (deepest, through) = (bytes, Some(callee));
            }
        }
        let bytes = function.frame + deepest;
        walk.known.insert(start, Depth::Known { bytes, through });
        Ok(bytes)
    }

    fn name(&self, start: u32) -> &str {
        &self.functions[&start].name
    }
}

/// What is known of the depths so far.
struct Walk {
    addressed: BTreeSet<u32>,
    known: BTreeMap<u32, Depth>,
}

enum Depth {
    /// It is being worked out.
    Open,
    Known {
        bytes: u32,
        through: Option<u32>,
    },
}

impl Function {
    /// Takes in an instruction of the function that begins at `start`.
    fn take(&mut self, start: u32, mnemonic: &str, operands: &str) -> Result<()> {
        let first = operands.split([',', ' ']).next().unwrap_or("");
        self.frame += if mnemonic.starts_with("push") || mnemonic.starts_with("vpush") {
            pushed(operands)?
        } else if mnemonic.starts_with("sub") && first == "sp" {
            immediate(operands)?
        } else if let Some((_, offset)) = operands.split_once("[sp, #-") {
            // Only with an exclamation mark; without, it is a place below the stack: no less strange.
            offset.split(']').next().and_then(number).ok_or("a store below the stack")?
        } else if operands.contains("sp!") || (first == "sp" && !releases(mnemonic, operands)) {
            return Err("an unknown change of the stack pointer".into());
        } else {
            0
        };
        // A condition may follow any of these names, and a width behind a point.
        match mnemonic.split('.').next().unwrap_or("") {
            "cbz" | "cbnz" | "tbb" | "tbh" | "bkpt" => {}
            name if ["bic", "bfc", "bfi"].iter().any(|other| name.starts_with(other)) => {}
            name if name.starts_with("bx") && first == "lr" => {}
            name if name.starts_with("bx") || name.starts_with("blx") => {
                self.calls_indirectly = true;
            }
            name if name.starts_with('b') => {
                let target = target(operands)?;
                let links = name == "bl" || (name.starts_with("bl") && name.len() == 4);
                if links || target < start || target >= self.end {
                    self.callees.insert(target);
                }
            }
            _ if first == "pc" => return Err("an unknown jump".into()),
            _ => {}
        }
        Ok(())
    }
}

/// Whether an instruction whose first operand is the stack pointer gives stack back, or leaves it alone.
fn releases(mnemonic: &str, operands: &str) -> bool {
    let adds = mnemonic.starts_with("add") && operands.contains('#') && !operands.contains("#-");
    adds || ["cmp", "stm", "ldm"].iter().any(|name| mnemonic.starts_with(name))
}

/// Bytes of a list of registers, which may hold ranges.
fn pushed(operands: &str) -> Result<u32> {
    let list = operands.trim_matches(['{', '}']);
    let mut bytes = 0;
    for item in list.split(',').map(str::trim) {
        let each = if item.starts_with('d') { 8 } else { 4 };
        let index = |name: &str| number(name.trim_start_matches(['d', 's', 'r']));
        bytes += match item.split_once('-') {
            Some((from, to)) => {
                let (from, to) = index(from).zip(index(to)).ok_or("an unknown register")?;
                (to - from + 1) * each
            }
            None => each,
        };
    }
    Ok(bytes)
}

fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The immediate that ends `operands`.
fn immediate(operands: &str) -> Result<u32> {
    let (_, text) = operands.rsplit_once('#').ok_or("stack by a register")?;
    number(text.trim()).ok_or("an unknown number".into())
}

/// Where a branch goes.
fn target(operands: &str) -> Result<u32> {
    let text = operands.split(" <").next().unwrap_or("").trim();
    let digits = text.trim_start_matches("0x");
    u32::from_str_radix(digits, 16).map_err(|_| "an unknown target".into())
}

/// The number an instruction brings into a register, or that stands between instructions. `halves` are
/// the lower ones that registers hold.
fn constant(mnemonic: &str, operands: &str, halves: &mut BTreeMap<String, u32>) -> Option<u32> {
    let (register, value) = operands.split_once(", #").unwrap_or((operands, ""));
    match mnemonic {
        ".word" => number(operands.trim()),
        "movw" => {
            halves.insert(register.into(), number(value)?);
            None
        }
        "movt" => Some(number(value)? << 16 | halves.get(register)?),
        _ => None,
    }
}

/// Address and name of the function that a line of disassembly begins. (Others tell code from data.)
fn header(line: &str) -> Option<(u32, String)> {
    let (address, name) = line.strip_suffix(">:")?.split_once(" <")?;
    let address = u32::from_str_radix(address, 16).ok()?;
    (!name.starts_with('$')).then(|| (address, name.into()))
}

/// Mnemonic and operands of a line of disassembly, without comments; of data only whole words.
fn instruction(line: &str) -> Option<(&str, &str)> {
    let (address, text) = line.split_once(':')?;
    u32::from_str_radix(address.trim(), 16).ok()?;
    if let Some((_, data)) = text.split_once("\t.") {
        return data.strip_prefix("word").map(|word| (".word", word.trim()));
    }
    let text = text.split([';', '@']).next()?.trim();
    Some(
        text.split_once(char::is_whitespace).map_or((text, ""), |(name, rest)| (name, rest.trim())),
    )
}

/// The words of a line of dumped bytes.
fn words(line: &str) -> Vec<u32> {
    let columns = line.split_once("  ").map_or(line, |(bytes, _)| bytes);
    let bytes = columns.split_whitespace().skip(1);
    let word = |hex: &str| (hex.len() == 8).then(|| u32::from_str_radix(hex, 16).ok()).flatten();
    bytes.filter_map(word).map(u32::swap_bytes).collect()
}

fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let run = Command::new(program).args(arguments).output().map_err(|why| why.to_string())?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into());
    }
    String::from_utf8(run.stdout).map_err(|why| why.to_string())
}

/// Prints bytes and name of every function whose name begins with `call`, or, of one that is named,
/// the chain of calls that takes the most.
fn run() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [objdump, path, name @ ..] = &arguments[..] else {
        return Err("usage: stack OBJDUMP IMAGE [NAME]".into());
    };
    let image = Image::read(objdump, path)?;
    let mut walk = Walk { addressed: image.addressed(), known: BTreeMap::new() };
    let mut found = 0;
    for (start, function) in &image.functions {
        let Some(called) = function.name.strip_prefix("call ") else { continue };
        let bytes = image.depth(*start, &mut walk)?;
        match name {
            [] => println!("{bytes} {called}"),
            [name, ..] if name == called => print_chain(&image, *start, &walk),
            _ => continue,
        }
        found += 1;
    }
    if found == 0 { Err("no such call".into()) } else { Ok(()) }
}

fn print_chain(image: &Image, start: u32, walk: &Walk) {
    let mut next = Some(start);
    while let Some(start) = next {
        println!("{:6} {}", image.functions[&start].frame, image.name(start));
        next = match walk.known.get(&start) {
            Some(Depth::Known { through, .. }) => *through,
            _ => None,
        };
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("stack: {why}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: &[&str]) -> Result<Function> {
        let mut function = Function { end: 0x8000_0100, ..Function::default() };
        for line in lines {
            let (mnemonic, operands) = instruction(line).ok_or("no instruction")?;
            function.take(0x8000_0000, mnemonic, operands)?;
        }
        Ok(function)
    }

    #[test]
    fn all_that_is_taken_counts() {
        let lines = [
            " 80000000:      \tpush.w\t{r4, r5, r7, lr}",
            " 80000004:      \tvpush\t{d8, d9}",
            " 80000008:      \tstrd\tr2, r3, [sp, #-8]!",
            " 8000000c:      \tsub.w\tsp, sp, #4096 @ imm = #0",
            " 80000010:      \tadd\tsp, #16",
            " 80000014:      \tstm.w\tsp, {r0, r1}",
        ];
        assert_eq!(function(&lines).unwrap().frame, 16 + 16 + 8 + 4_096);
    }

    #[test]
    fn calls_and_jumps_to_elsewhere_count() {
        let lines = [
            " 80000000:      \tbl\t0x80000400 <f> @ imm = #1",
            " 80000004:      \tbne.w\t0x80000500 <g+0x10> @ imm = #1",
            " 80000008:      \tbeq\t0x80000010 <here+0x10> @ imm = #1",
            " 8000000c:      \tbic\tr0, r0, #1",
            " 80000010:      \tbxeq\tlr",
        ];
        let seen = function(&lines).unwrap();
        assert_eq!(seen.callees, [0x8000_0400, 0x8000_0500].into());
        assert!(!seen.calls_indirectly);
        assert!(function(&[" 80000000:      \tblx\tr3"]).unwrap().calls_indirectly);
        assert!(function(&[" 80000000:      \tbx\tr3"]).unwrap().calls_indirectly);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "mov\tsp, r4",
            "add\tsp, r4",
            "sub\tsp, sp, r4",
            "ldm\tsp!, {r0}",
            "ldr\tpc, [r0]",
            "b\t#4",
        ] {
            assert!(function(&[&format!(" 80000000:      \t{line}")]).is_err(), "{line}");
        }
    }

    /// Functions of eight bytes each, which call each other by number.
    fn image(frames: &[(u32, &[u32])]) -> Image {
        let mut image = Image::default();
        for (at, (frame, callees)) in (0..).zip(frames) {
            let callees = callees.iter().map(|callee| callee * 8).collect();
            let function = Function { frame: *frame, callees, ..Function::default() };
            image.functions.insert(at * 8, function);
        }
        image
    }

    fn depth(image: &Image) -> Result<u32> {
        image.depth(0, &mut Walk { addressed: image.addressed(), known: BTreeMap::new() })
    }

    #[test]
    fn the_deepest_chain_counts() {
        assert_eq!(depth(&image(&[(1, &[1, 2]), (20, &[3]), (10, &[3]), (5, &[])])), Ok(26));
        assert!(depth(&image(&[(1, &[1]), (2, &[2]), (3, &[1])])).is_err(), "recursion");
    }

    #[test]
    fn an_indirect_call_may_go_wherever_an_address_stands() {
        let mut image = image(&[(1, &[]), (30, &[]), (500, &[])]);
        image.functions.get_mut(&0).unwrap().calls_indirectly = true;
        image.constants = [8 | 1].into();
        assert_eq!(depth(&image), Ok(31));
    }

    #[test]
    fn constants_are_found_in_code_and_data() {
        let mut halves = BTreeMap::new();
        assert_eq!(constant("movw", "r3, #4660", &mut halves), None);
        assert_eq!(constant("movt", "r3, #2048", &mut halves), Some(0x0800_1234));
        let (mnemonic, operands) =
            instruction(" 8001768:\t04 7f 3e 53\t.word\t0x533e7f04").unwrap();
        assert_eq!(constant(mnemonic, operands, &mut halves), Some(0x533e_7f04));
        assert_eq!(words(" 8010000 04000008 00ff0000  ........"), [0x0800_0004, 0xff00]);
    }
}
