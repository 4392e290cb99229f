// A program that repeatedly adds 1 to the first word of the memory file at descriptor 3.
const [path, times, how] = process.argv.slice(2)
const { Memfd } = await import(path)
const memfd = Memfd.from(3)
const words = new Int32Array(memfd[how]())
// Waits until all processes are ready.
Atomics.add(words, 1, 1)
while (Atomics.load(words, 1) < 4);
for (let i = Number(times); i > 0; i--) Atomics.add(words, 0, 1)
