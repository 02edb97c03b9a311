import Foundation

/// `embed-bpf CLANG OBJCOPY SOURCE OUTPUT`: compiles SOURCE (`DIRECTORY/programs/NAME.bpf.c`) for the kernel's BPF machine
/// and writes OUTPUT, a C source that embeds the object.
@main
enum EmbedBPF {
    static func main() {
        guard CommandLine.arguments.count == 5 else {
            fail("usage: embed-bpf CLANG OBJCOPY SOURCE OUTPUT")
        }
        let clang = CommandLine.arguments[1]
        let objcopy = CommandLine.arguments[2]
        let source = URL(filePath: CommandLine.arguments[3])
        let output = URL(filePath: CommandLine.arguments[4])

        let directory = source.deletingLastPathComponent().deletingLastPathComponent()
        let object = output.deletingLastPathComponent().appending(
            path: source.deletingPathExtension().lastPathComponent + ".o")

        run(
            clang,
            [
                // mcpu v3 (Linux 5.1): 32-bit arithmetic. The object is the same for all little-endian machines.
                "--target=bpfel", "-mcpu=v3", "-std=gnu23", "-O2", "-g",
                // libbpf's BPF_PROG leaves a parameter unused, so no -Wextra.
                "-Wall", "-Werror",
                "-I", directory.appending(path: "include").path,
            ]
                // Where Debian keeps asm/types.h; the machine that compiles, not the one that runs it.
                + multiarchDirectories.flatMap { ["-idirafter", $0] }
                // The object does not depend on where it was built.
                + ["-ffile-prefix-map=\(directory.path)=bpf", "-c", source.path, "-o", object.path])
        // DWARF goes; the type information for the loader (BTF) stays.
        run(objcopy, ["--strip-debug", object.path])

        // `swguard` of `swguard.bpf.c`; the target declares the two in `swguard_object.h`.
        let name = source.deletingPathExtension().deletingPathExtension().lastPathComponent
        let text = """
            #include "\(name)_object.h"

            // ELF parsers read words in place.
            _Alignas(8) const unsigned char \(name)_bpf_object[] = {
            #embed "\(object.path)"
            };
            const size_t \(name)_bpf_object_size = sizeof(\(name)_bpf_object);

            """
        do {
            try text.write(to: output, atomically: true, encoding: .utf8)
        } catch {
            fail("cannot write \(output.path): \(error)")
        }
    }

    /// `/usr/include/<machine>-linux-gnu`, those that exist.
    private static var multiarchDirectories: [String] {
        ["x86_64", "aarch64"].map { "/usr/include/\($0)-linux-gnu" }
            .filter { FileManager.default.fileExists(atPath: $0) }
    }

    /// Runs `program` to its end; its messages are the build's.
    private static func run(_ program: String, _ arguments: [String]) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        do {
            try process.run()
        } catch {
            fail("cannot run \(program): \(error)")
        }
        process.waitUntilExit()
        if process.terminationReason != .exit || process.terminationStatus != 0 { exit(1) }
    }

    private static func fail(_ message: String) -> Never {
        FileHandle.standardError.write(Data("embed-bpf: \(message)\n".utf8))
        exit(1)
    }
}
