// swift-tools-version: 6.3;(experimentalCGen)
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]
let shipped =
    strict + [
        .strictMemorySafety(),
        // What a start costs, of 2,200 us before: generic code is specialised across modules, and types are made from
        // their descriptors (300 us), not looked up by name among all that the program has.
        .unsafeFlags(
            [
                "-cross-module-optimization", "-Xfrontend",
                "-disable-concrete-type-metadata-mangled-name-accessors",
                // Functions that nothing calls, and equal ones, go one by one: 0.5 MB.
                "-Xfrontend", "-function-sections",
            ], .when(configuration: .release)),
    ]
// Where nothing is done a thousand times.
let small = shipped + [.unsafeFlags(["-Osize"], .when(configuration: .release))]

let package = Package(
    name: "swguard",
    products: [.executable(name: "swguard", targets: ["swguard"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .systemLibrary(name: "Clibyaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "Clibseccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "Clibmd", pkgConfig: "libmd", providers: [.apt(["libmd-dev"])]),
        .systemLibrary(name: "Clibz", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "Clibbpf", pkgConfig: "libbpf",
            providers: [.apt(["libbpf-dev", "libelf-dev", "zlib1g-dev"])]),
        .target(name: "CLinux"),
        // All that the kernel's programs and user space share, and the programs themselves as bytes.
        .target(
            name: "CSwguardBPF", path: "bpf", exclude: ["programs"], publicHeadersPath: "include",
            plugins: ["CompileBPF"]),
        .plugin(
            name: "CompileBPF", capability: .buildTool(), dependencies: ["embed-bpf"],
            path: "Sources/Plugins/CompileBPF"),
        .executableTarget(name: "embed-bpf", path: "Sources/Plugins/EmbedBPF", swiftSettings: strict),
        .target(name: "CBasePolicies"),
        .target(name: "CStart"),
        .target(name: "Policy", dependencies: ["Clibyaml"], swiftSettings: shipped),
        .target(name: "AppArmor", dependencies: ["Policy"], swiftSettings: small),
        .target(name: "Seccomp", dependencies: ["CLinux"], swiftSettings: shipped),
        .target(name: "Landlock", dependencies: ["CLinux"], swiftSettings: shipped),
        .target(name: "BPF", dependencies: ["Clibbpf"], swiftSettings: shipped),
        .target(name: "Automata", swiftSettings: shipped),
        .target(
            name: "Compiler",
            dependencies: ["Policy", "Automata", "Seccomp", "Landlock", "Clibseccomp", "Clibmd"],
            swiftSettings: shipped),
        .target(
            name: "AuditLog", dependencies: ["Policy", "CLinux", "Clibmd", "Clibz"], path: "audit",
            exclude: ["schema", "recipes"], swiftSettings: shipped),
        .target(
            name: "Confinement",
            dependencies: [
                "Policy", "Compiler", "Seccomp", "Landlock", "AuditLog", "CLinux", "CBasePolicies", "Control",
            ],
            swiftSettings: shipped),
        .target(name: "CControlInterface"),
        .target(
            name: "Control", dependencies: ["Policy", "CLinux", "CControlInterface"],
            exclude: ["io.swguard.Control.varlink"], swiftSettings: small),
        .target(
            name: "Agent",
            dependencies: [
                "Policy", "Automata", "Compiler", "BPF", "CSwguardBPF", "AuditLog", "CLinux", "Control",
            ],
            swiftSettings: shipped),
        // A target of its own, so that tests can hold it against the scanner.
        .target(
            name: "RunDeclaration",
            dependencies: [
                "Confinement", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: small),
        .executableTarget(
            name: "swguard",
            dependencies: [
                "Policy", "AppArmor", "Compiler", "Confinement", "Agent", "Control", "Seccomp", "Landlock",
                "AuditLog", "RunDeclaration",
                "CStart", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["frames.ld"],
            swiftSettings: small + [.unsafeFlags(["-static-executable"])],
            linkerSettings: [
                .unsafeFlags(["-static-executable"]),
                // What ships has no symbols, equal functions once, and no frames: nothing throws as C++ does. 2 MB.
                .unsafeFlags(
                    [
                        "-use-ld=lld", "-Xlinker", "-s", "-Xlinker", "--icf=safe", "-Xlinker", "-T",
                        "-Xlinker",
                        Context.packageDirectory + "/Sources/swguard/frames.ld",
                    ],
                    .when(configuration: .release)),
                // ArgumentParser imports FoundationEssentials; these are what that needs, without ICU.
                .linkedLibrary("_FoundationCollections"), .linkedLibrary("_FoundationCShims"),
                .linkedLibrary("swiftSynchronization"),
            ]),
        // One way around a policy at a time; host tests run it confined.
        .executableTarget(
            name: "attacks", path: "Tests/attacks",
            linkerSettings: [.unsafeFlags(["-static-executable"])]),
        // Starts a program as container runtimes do; kernel tests put a policy on it.
        .executableTarget(
            name: "container-launcher", path: "Tests/ContainerLauncher",
            linkerSettings: [.unsafeFlags(["-static-executable"])]),
        // Starts processes and terminals as tests of `run` need them.
        .target(name: "CRunSupport", path: "Tests/CRunSupport"),
        // Runs a command with single parts of the confinement made by hand, whole or broken.
        .executableTarget(
            name: "run-probe",
            dependencies: ["Policy", "Confinement", "Landlock", "AuditLog", "CLinux", "CRunSupport"],
            path: "Tests/RunProbe", swiftSettings: strict),
        .target(name: "CProbes", dependencies: ["CLinux"], path: "Tests/CProbes"),
        // Another program in the kernel, beside which tests run the agent.
        .target(
            name: "CNeighbour", path: "Tests/CNeighbour", exclude: ["programs"], publicHeadersPath: "include",
            plugins: ["CompileBPF"]),
        // Compiles a list of paths, part by part, for .ci/bench-automata.
        .executableTarget(
            name: "bench-automata", dependencies: ["Policy", "Automata", "Compiler"],
            path: "Tests/bench/automata",
            swiftSettings: strict),
        // Makes, loads and tries filters, for .ci/bench-filter.
        .executableTarget(
            name: "bench-filter", dependencies: ["Policy", "Compiler", "Seccomp", "CLinux", "Clibseccomp"],
            path: "Tests/bench/filter", swiftSettings: strict),
        .testTarget(name: "PolicyTests", dependencies: ["Policy"], swiftSettings: strict),
        .testTarget(name: "AppArmorTests", dependencies: ["AppArmor", "Policy"], swiftSettings: strict),
        .testTarget(name: "AutomataTests", dependencies: ["Automata"], swiftSettings: strict),
        .testTarget(
            name: "CompilerTests",
            dependencies: [
                "Policy", "Automata", "Compiler", "Seccomp", "Landlock", "Clibseccomp", "CSwguardBPF",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "AgentTests",
            dependencies: ["Agent", "AuditLog", "BPF", "CSwguardBPF", "Compiler", "Control", "Policy"],
            swiftSettings: strict),
        .testTarget(name: "ControlTests", dependencies: ["Control", "Policy"], swiftSettings: strict),
        .testTarget(name: "AuditLogTests", dependencies: ["AuditLog"], swiftSettings: strict),
        .testTarget(
            name: "HostTests",
            dependencies: [
                "Policy", "Compiler", "Confinement", "Seccomp", "Landlock", "AuditLog", "CLinux", "CProbes",
                "CRunSupport", "run-probe",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "KernelTests",
            dependencies: ["Agent", "BPF", "Compiler", "CNeighbour", "CSwguardBPF", "CLinux", "Policy"],
            exclude: ["verifier-cost.txt"],
            swiftSettings: strict),
        .testTarget(
            name: "CommandLineTests",
            dependencies: ["Policy", "Compiler", "Confinement", "AuditLog", "RunDeclaration"],
            swiftSettings: strict),
    ],
    cLanguageStandard: .c2x
)

// What reads something that others wrote: a file of Tests/Fuzz, and samples in Tests/Fuzz/corpus, under the same name.
let fuzzTargets: [(name: String, dependencies: [String])] = [
    ("AppArmorProfile", ["AppArmor", "Policy"]),
    ("AuditFiles", ["Agent", "AuditLog", "BPF", "Control", "Policy"]),
    ("CompiledPolicy", ["Compiler", "Policy"]),
    ("ControlMessages", ["Agent", "Automata", "Compiler", "Confinement", "Control", "Policy"]),
    ("PolicyParser", ["Policy"]),
    ("RingRecords", ["Agent", "AuditLog", "CSwguardBPF", "Compiler", "Policy"]),
]

// A fuzz target has no main and would break plain builds; the fuzzer's own main would break that of the tool that embeds the
// BPF programs, so `--sanitize fuzzer` is not for all: the libraries are instrumented (and optimised, for as many runs as can
// be), and only the fuzz targets are linked with the fuzzer:
// SWGUARD_FUZZ=1 swift build --scratch-path .build-fuzz
if Context.environment["SWGUARD_FUZZ"] != nil {
    let coverage = SwiftSetting.unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"])
    let optimised = SwiftSetting.unsafeFlags(["-O"])
    let tools = ["embed-bpf"]
    package.products = []
    package.targets.removeAll { target in
        switch target.type {
        case .executable: !tools.contains(target.name)
        case .test: true
        // Nothing of these is fuzzed.
        default: ["RunDeclaration", "CNeighbour", "CProbes", "CRunSupport"].contains(target.name)
        }
    }
    for target in package.targets where target.type == .regular && target.swiftSettings != nil {
        // The compiler aborts where it optimises this one for tests.
        target.swiftSettings? += target.name == "Agent" ? [coverage] : [coverage, optimised]
    }
    // The package manager links an executable by a main that has the module's name, which only Swift's own has.
    package.targets.append(.target(name: "CFuzz", path: "Tests/CFuzz"))
    package.targets += fuzzTargets.map { target in
        let others = fuzzTargets.filter { $0.name != target.name }.map { $0.name + ".swift" }
        return .executableTarget(
            name: "Fuzz" + target.name,
            dependencies: (target.dependencies + ["CFuzz"]).map { .init(stringLiteral: $0) },
            path: "Tests/Fuzz", exclude: ["corpus"] + others, sources: [target.name + ".swift"],
            swiftSettings: strict + [coverage],
            linkerSettings: [
                .unsafeFlags([
                    "-sanitize=fuzzer", "-Xlinker", "--defsym", "-Xlinker",
                    "Fuzz\(target.name)_main=swguard_fuzz_main", "-Xlinker", "--defsym", "-Xlinker",
                    "main=swguard_fuzz_main",
                ])
            ])
    }
}
