//! Every buffer of a job between pages that nobody may touch: a number too far is not another number but the end of
//! the test.

use std::ptr::null_mut;

use pulp::Simd;

use super::{Run, Scratch};
use crate::nn::MatRef;
use crate::nn::fused::{Finish, Fused, Start};

/// Numbers that begin right behind such a page, or end right before one.
struct Guarded {
    map: *mut libc::c_void,
    bytes: usize,
    numbers: *mut f32,
    count: usize,
}

const PAGE: usize = 4096;

impl Guarded {
    fn new(count: usize, at_end: bool) -> Self {
        let room = (count * size_of::<f32>()).next_multiple_of(PAGE);
        let bytes = room + 2 * PAGE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping, of which all but the first and the last page may be used.
        let (map, numbers) = unsafe {
            let map = libc::mmap(null_mut(), bytes, libc::PROT_NONE, flags, -1, 0);
            assert!(map != libc::MAP_FAILED, "memory");
            let usable = map.byte_add(PAGE);
            let allowed = libc::mprotect(usable, room, libc::PROT_READ | libc::PROT_WRITE);
            assert!(room == 0 || allowed == 0, "memory");
            let before = if at_end { room - count * size_of::<f32>() } else { 0 };
            (map, usable.byte_add(before).cast::<f32>())
        };
        let mut guarded = Self { map, bytes, numbers, count };
        for (i, number) in guarded.numbers().iter_mut().enumerate() {
            *number = ((i * 37 + 11) % 64) as f32 / 16.0 - 2.0;
        }
        guarded
    }

    fn numbers<'a>(&mut self) -> &'a mut [f32] {
        // SAFETY: the mapping holds so many numbers, zero at first. The tests below take each slice once and drop it
        // before the mapping.
        unsafe { std::slice::from_raw_parts_mut(self.numbers, self.count) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: this mapping is nobody else's.
        unsafe { libc::munmap(self.map, self.bytes) };
    }
}

fn run_all(mut run: impl FnMut(Fused<'_, f32>, &mut [f32]), (m, inner, n): (usize, usize, usize)) {
    for variant in 0..2 * 2 * 2 * 3 * 5 {
        let (at_end, left_turned, right_turned) =
            (variant % 2 == 0, variant / 2 % 2 == 0, variant / 4 % 2 == 0);
        let (start, finish) = (variant / 8 % 3, variant / 24);
        let size = 3;
        let counts = [m * inner, inner * n, n, m.div_ceil(size) * n, m * n, n, n, m, m * n];
        let mut buffers = counts.map(|count| Guarded::new(count, at_end));
        let [left, right, row, grouped, units, sums, weights, output, result] =
            buffers.each_mut().map(Guarded::numbers);
        let of = |numbers, rows, columns, turned: bool| {
            if turned {
                MatRef::new(numbers, columns, rows).transposed()
            } else {
                MatRef::new(numbers, rows, columns)
            }
        };
        let rows: Vec<usize> = (0..m).rev().collect();
        let start = match start {
            0 => Start::Zero,
            1 => Start::Row(row),
            _ => Start::Grouped { rows: grouped, size },
        };
        let finish = match finish {
            0 => Finish::Keep,
            1 => Finish::Relu,
            2 => Finish::Gate { activations: units, rows: &rows },
            3 => Finish::GateInPlace { sums },
            _ => Finish::ReluDot { weights, bias: 0.5, output, keep: at_end },
        };
        let (left, right) = (of(left, m, inner, left_turned), of(right, inner, n, right_turned));
        run(Fused { left, right, start, finish }, result);
    }
}

#[test]
fn no_job_touches_what_lies_around_its_buffers() {
    let narrow = {
        #[cfg(target_arch = "x86_64")]
        {
            pulp::x86::V3::try_new()
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            None::<pulp::Scalar>
        }
    };
    let mut scratch = Scratch::default();
    for m in [1, 7, 12, 13, 50] {
        for inner in [0, 1, 37] {
            for n in [1, 16, 31, 33, 70] {
                run_all(|mut job, result| assert!(super::run(&mut job, result)), (m, inner, n));
                let Some(narrow) = narrow else { continue };
                run_all(
                    |mut job, result| {
                        let run = Run { job: &mut job, result, scratch: &mut scratch };
                        assert!(Simd::vectorize(narrow, run));
                    },
                    (m, inner, n),
                );
            }
        }
    }
}
