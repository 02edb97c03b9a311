import AuditLog
import Testing

@Suite struct ContainerTests {
    private static let id = String(repeating: "0123456789abcdef", count: 4)
    private static let other = String(repeating: "fedcba9876543210", count: 4)
    private static let pod = "kubepods-burstable-pod1f2e3d4c_0000_4000_8000_000000000001.slice"

    private static let containers: [(cgroup: String, id: String)] = [
        ("/system.slice/docker-\(id).scope", id),
        ("/machine.slice/libpod-\(id).scope", id),
        ("/machine.slice/libpod-\(id).scope/container", id),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-\(id).scope/container", id),
        ("/libpod_parent/libpod-\(id)", id),
        ("/system.slice/pod.service/libpod-payload-\(id)", id),
        ("/kubepods.slice/kubepods-burstable.slice/\(pod)/cri-containerd-\(id).scope", id),
        ("/kubepods.slice/kubepods-burstable.slice/\(pod)/crio-\(id).scope/container", id),
        ("/system.slice/nerdctl-\(id).scope", id),
        ("/docker/\(id)", id),
        ("/docker/\(id)/init.scope", id),
        ("/kubepods/burstable/pod1f2e3d4c-0000-4000-8000-000000000001/\(id)", id),
        ("/kubepods/\(id)", id),
        ("/system.slice:docker:\(id)", id),
        ("/system.slice/containerd.service/\(pod):cri-containerd:\(id)", id),
        ("/machine.slice/machine-web.scope/payload", "web"),
        ("/machine.slice/machine-web\\x2d1.scope", "web-1"),
        ("/machine.slice/systemd-nspawn@web\\x2d1.service/payload", "web-1"),
        ("/lxc.payload.web", "web"),
        ("/lxc.payload.web/system.slice/cron.service", "web"),
        ("/lxc/web", "web"),
        ("/lxc.payload/web/init.scope", "web"),
        // What a container calls its own groups is not believed.
        ("/system.slice/docker-\(id).scope/docker/\(other)", id),
        ("/lxc.payload.web/docker/\(id)", "web"),
    ]

    @Test(arguments: containers)
    func `a container's cgroup tells which it is`(_ row: (cgroup: String, id: String)) {
        let found = Container.id(ofCgroup: Array(row.cgroup.utf8)).map { String(decoding: $0, as: UTF8.self) }
        #expect(found == row.id)
        #expect(ProcessIdentity(pid: 1, cgroup: Array(row.cgroup.utf8)).container == Array(row.id.utf8))
    }

    @Test(arguments: [
        "", "/", "/system.slice/docker.service", "/system.slice/nginx.service", "/init.scope",
        "/user.slice/user-1000.slice/session-1.scope", "/docker", "/lxc", "/machine.slice/machine-.scope",
        // The monitors of containers are not in them.
        "/machine.slice/libpod-conmon-\(id).scope", "/system.slice/crio-conmon-\(id).scope",
        "/lxc.monitor.web",
        "/docker/\(id.dropLast())", "/docker/\(id)0", "/docker/\(id.uppercased())",
        "/system.slice/docker-\(id.dropLast()).scope", "/system.slice/docker-\(id).service",
        "/system.slice/other-\(id).scope",
    ])
    func `other cgroups are none`(_ cgroup: String) {
        #expect(Container.id(ofCgroup: Array(cgroup.utf8)) == nil)
    }

    @Test func `what is not text is kept as it is`() {
        #expect(Container.id(ofCgroup: Array("/lxc/".utf8) + [0xff, 0x1b]) == [0xff, 0x1b])
        #expect(Container.id(ofCgroup: Array("/machine.slice/machine-a\\x.scope".utf8)) == Array("a\\x".utf8))
    }
}
