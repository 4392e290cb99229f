//! The walk.
use fdkit::*;
#[test]
fn speed() {
    let top = std::ffi::CString::new(std::env::var("TREE").unwrap_or("/usr".into())).unwrap();
    for topdown in [true, false, true, false] {
        let t = std::time::Instant::now();
        let mut w = Walk::new(&top, None, WalkOptions { topdown, ..Default::default() });
        let (mut d, mut f) = (0, 0);
        while let Some(s) = w.step().unwrap() {
            if s == Step::Directory {
                d += 1;
                f += w.filenames().len();
            }
        }
        println!("{d} {f} {:?}", t.elapsed());
    }
}
