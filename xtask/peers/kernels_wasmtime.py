"""Runs a kernel of `kernels.wasm` on wasmtime and prints the answer and the seconds it took, without
the time for compiling the module.

python3 kernels_wasmtime.py KERNEL N [fuel]
"""

import pathlib
import sys
import time

from wasmtime import Config, Engine, Instance, Module, Store

kernel, argument, *rest = sys.argv[1:]
metered = rest == ["fuel"]
if rest and not metered:
    sys.exit(f"`{rest[0]}` is neither `fuel` nor nothing")

config = Config()
config.consume_fuel = metered
engine = Engine(config)
module = Module.from_file(engine, str(pathlib.Path(__file__).with_name("kernels.wasm")))
store = Store(engine)
if metered:
    store.set_fuel(2**64 - 1)
function = Instance(store, module, []).exports(store)[kernel]
function(store, 0)

started = time.perf_counter()
answer = function(store, int(argument))
print(f"{answer} {time.perf_counter() - started:.6f}")
