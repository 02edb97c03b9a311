internal import AppArmor
internal import ArgumentParser
private import Glibc
internal import Policy

/// `swguard import`: policies from what other programs enforce.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Translate what another program enforces into a policy.",
        subcommands: [ImportAppArmorCommand.self])
}

/// `swguard import apparmor FILE`: a profile's files, capabilities and network families as a policy.
struct ImportAppArmorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apparmor",
        abstract: "Print an AppArmor profile as a policy, and say what could not be translated.",
        discussion: """
            Files, capabilities and network families are translated, and 'signal', 'ptrace' and 'mount' where they have \
            no conditions. What the policy language cannot say is left out, and so denied, with a warning. A denial \
            that it cannot say is an error.
            """)

    @Argument(help: "A file with profiles, or - for standard input.")
    var file: String
    @Option(help: ArgumentHelp("Which profile, where the file has several.", valueName: "name"))
    var profile: String?
    @Option(help: ArgumentHelp("What the policy is called (default: as the profile).", valueName: "name"))
    var name: String?
    @Option(help: ArgumentHelp("Where includes are looked up.", valueName: "directory"))
    var base = "/etc/apparmor.d"
    @Flag(help: "Also translate what then grants more than the profile does, and warn.")
    var allowPartial = false
    @OptionGroup var format: FormatOption

    func validate() throws {
        guard let name else { return }
        let isName = name.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
        }
        guard isName, (1...63).contains(name.utf8.count) else {
            throw ValidationError("'\(name)' is no policy name: 1 to 63 of a-z, 0-9 and '-'")
        }
    }

    func run() throws {
        let files = HostProfileFiles()
        let bytes: [UInt8]
        do throws(PolicyFileError) {
            bytes =
                try file == "-" ? HostPolicyFiles().readStandardInput() : HostPolicyFiles().read(file).bytes
        } catch {
            Output.refuse(
                "import", "cannot read '\(file)': \(error.reason)", about: file, format: format.format)
            throw ExitStatus.usage
        }
        let translation = ProfileTranslation(
            bytes, file: file, files: files, base: base, profile: profile, name: name,
            allowingPartial: allowPartial)
        var diagnostics = translation.diagnostics
        var text: String?
        do throws(PolicyTextError) {
            text = try translation.policy?.yaml()
        } catch {
            diagnostics.append(
                Diagnostic(error.text, at: SourceLocation(file: file, line: 1), hint: error.hint))
        }
        let isRefused = text == nil || diagnostics.contains { $0.severity == .error }
        if isRefused { text = nil }
        switch format.format {
        case .text:
            Output.print(diagnostics)
            if let text { Output.write(text, to: STDOUT_FILENO) }
        case .json:
            let result: JSON =
                text.map {
                    ["policy": JSON(translation.policy?.name), "text": .string($0)]
                } ?? .null
            Output.result(of: "import", result, diagnostics: diagnostics)
        }
        if translation.policy == nil { throw ExitStatus.usage }
        if isRefused { throw ExitStatus.no }
    }
}

/// Profiles of this machine.
private struct HostProfileFiles: ProfileFiles {
    func read(_ path: String) -> [UInt8]? { try? HostPolicyFiles().read(path).bytes }

    func names(in directory: String) -> [String]? {
        guard let stream = unsafe opendir(directory) else { return nil }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            names.append(name)
        }
        return names.sorted()
    }
}
