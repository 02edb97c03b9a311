import Foundation
import PackagePlugin

/// Compiles `programs/NAME.bpf.c` of a target for the kernel, with the clang of the Swift toolchain, into a C source of it.
///
/// One command with one output: what else a plugin declares as an output, SwiftPM copies as a resource.
@main
struct CompileBPF: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let sources = try files(in: target.directoryURL, ["programs"])
        guard let source = sources.first(where: { $0.lastPathComponent.hasSuffix(".bpf.c") }) else {
            return []
        }
        let name = source.lastPathComponent.dropLast(".bpf.c".count)
        let output = context.pluginWorkDirectoryURL.appending(path: "\(name)_object.c")
        let clang = try context.tool(named: "clang").url
        let objcopy = try context.tool(named: "llvm-objcopy").url
        return [
            .buildCommand(
                displayName: "Compiling \(source.lastPathComponent)",
                executable: try context.tool(named: "embed-bpf").url,
                arguments: [clang.path, objcopy.path, source.path, output.path],
                inputFiles: try files(in: target.directoryURL, ["programs", "include"]),
                outputFiles: [output])
        ]
    }

    private func files(in directory: URL, _ names: [String]) throws -> [URL] {
        try names.flatMap { name in
            try FileManager.default.contentsOfDirectory(
                at: directory.appending(path: name), includingPropertiesForKeys: nil)
        }
        .sorted { $0.path < $1.path }
    }
}
