"""Compiling many small functions as one: parts are linked, then optimised together, once.

Numba optimises every function and turns it into machine code before it does the same again for
each caller it is inlined into. The parts of a kernel are never called by themselves, so they
only have to be typed and lowered; the callback they end in is optimised as a whole. That is
what cold compilation costs, and it is several times less.
"""

from __future__ import annotations

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.lowering import Lower
from numba.core.typed_passes import BaseNativeLowering, NativeLowering


class PartLibrary(JITCodeLibrary):
    """Code to be linked into a caller's: neither optimised nor turned into machine code."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class PartLowering(BaseNativeLowering):
    """Lowers a function and offers it to other compiled functions only."""

    _name = "part_lowering"

    @property
    def lowering_class(self):
        return Lower

    def run_pass(self, state):
        codegen, target = state.targetctx.codegen(), state.targetctx
        state.library = PartLibrary(codegen, state.func_id.func_qualname)
        state.library.enable_object_caching()
        state.flags.no_compile = True
        super().run_pass(state)
        lowered = state["cr"]
        name = lowered.fndesc.qualname.split(".")[-1]
        # what callers are resolved by; nobody can call it from Python
        handle = _dynfunc.make_function(
            lowered.fndesc.lookup_module(), name, "", 0, lowered.env, (state.library,)
        )
        target.insert_user_function(handle, lowered.fndesc, [state.library])
        state["cr"] = lowered._replace(cfunc=handle)
        return True


class PartCompiler(CompilerBase):
    """Numba's usual passes, ending in `PartLowering`."""

    def define_pipelines(self):
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.add_pass_after(PartLowering, NativeLowering)
        passes.passes = [entry for entry in passes.passes if entry[0] is not NativeLowering]
        passes.finalize()
        return [passes]
