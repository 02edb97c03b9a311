"""Prints what calls cost: `table.py KERNEL RECORD`, with the lines of `measure` on standard input.

A cost is what a call takes more than in a machine with nothing: instructions, and how many times those of the peer with as
many rules. RECORD keeps them as JSON; where it is there already, the change since then is printed."""
import json
import pathlib
import sys

VARIANTS = [
    # What is confined how, and the peers that it is compared with.
    ("landlock-200", []),
    ("apparmor-200", []),
    ("swguard-10", ["apparmor-10", "landlock-10"]),
    ("swguard-200", ["apparmor-200", "landlock-200"]),
    ("swguard-10000", ["apparmor-10000"]),
    ("swguard-200-in-8-layers", ["apparmor-200"]),
    ("apparmor-unconfined", []),
    ("swguard-unconfined", ["apparmor-unconfined"]),
]
# Processes start and end with a hundred times the instructions: a share says more.
SHARES = ("fork+exit+wait", "exec+exit+wait")


def main():
    kernel, record = sys.argv[1], pathlib.Path(sys.argv[2])
    costs, calls, failed = {}, [], set()
    for line in sys.stdin:
        variant, call, instructions, *rest = line.rstrip("\n").split("\t")
        costs[variant, call] = int(instructions)
        if call not in calls:
            calls.append(call)
        if rest:
            failed.add((variant, call))
    last = json.loads(record.read_text())["added"] if record.exists() else {}
    added = {}
    for variant, peers in VARIANTS:
        print(f"\nkernel {kernel}, {variant}: instructions a call more than with nothing")
        print(f"  {'call':40}{'added':>9}" + "".join(f"{'x ' + peer:>22}" for peer in peers) + f"{'share':>9}{'since last':>12}")
        for call in calls:
            if (variant, call) not in costs or (variant, call) in failed or ("nothing", call) in failed:
                print(f"  {call:40}{'failed':>9}")
                continue
            base = costs["nothing", call]
            cost = costs[variant, call] - base
            added[f"{variant}: {call}"] = cost
            line = f"  {call:40}{cost:>+9}"
            for peer in peers:
                theirs = costs.get((peer, call), base) - base
                # Of what costs the peer nothing that can be told from the noise there is no ratio.
                line += f"{cost / theirs:>22.2f}" if theirs > 50 and (peer, call) not in failed else f"{'-':>22}"
            line += f"{100 * cost / base:>8.1f}%" if call in SHARES else f"{'':>9}"
            before = last.get(f"{variant}: {call}")
            line += f"{cost - before:>+12}" if before is not None else ""
            print(line)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"kernel": kernel, "added": added}, indent=1) + "\n")
    if failed:
        sys.exit("calls failed: " + ", ".join(sorted(": ".join(pair) for pair in failed)))


main()
