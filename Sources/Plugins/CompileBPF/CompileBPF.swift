import Foundation
import PackagePlugin

/// Compiles `programs/` of a target for the kernel, with the clang of the Swift toolchain, into a C source of it.
///
/// One command with one output: what else a plugin declares as an output, SwiftPM copies as a resource.
@main
struct CompileBPF: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let source = target.directoryURL.appending(path: "programs/swguard.bpf.c")
        let output = context.pluginWorkDirectoryURL.appending(path: "swguard_object.c")
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
