-- For LuaRocks: `luarocks-5.4 make` in a checkout builds and installs the Lua module and the
-- command. It needs a C compiler, and neither premake nor the network.
rockspec_format = "3.0"
package = "freehold"
version = "0.1.0-1"
source = {
    -- The checkout itself, which is all that `luarocks make` looks at.
    url = "git+file://.",
    tag = "v0.1.0",
}
description = {
    summary = "GPU memory management whose decisions are Lua scripts",
    detailed = [[
        Freehold decides where GPU memory comes from, and lets Lua scripts make the decisions:
        budgets, placement, recycling, aliasing. This rock is the module for Lua 5.4, with the C
        library inside.
    ]],
    license = "MIT",
}
-- The command, and only the command, also wants argparse. It is not listed, for then this could not
-- be made offline: `luarocks-5.4 install argparse`, or Debian's lua-argparse.
dependencies = { "lua ~> 5.4" }
build = {
    -- One compiler call, and not LuaRocks' own "builtin": that cannot hide the library's symbols
    -- from the program that loads the module.
    type = "command",
    build_command = "mkdir -p build/rock && $(CC) $(CFLAGS) -std=c11 -fPIC -pthread -DNDEBUG"
        .. " -fvisibility=hidden -fno-semantic-interposition -Iinclude -Isrc -I$(LUA_INCDIR)"
        .. " $(LIBFLAG) -Wl,--version-script=src/binding/freehold.map -o build/rock/freehold.so"
        .. " src/base/*.c src/block/*.c src/backend/*.c src/backend/host/*.c src/device/*.c"
        .. " src/trace/*.c src/replay/*.c src/binding/*.c src/sandbox/*.c"
        .. " `ls src/script/*.c | grep -v open_library` -lzstd",
    install_command = "mkdir -p $(LIBDIR) $(LUADIR) $(BINDIR)"
        .. " && cp build/rock/freehold.so $(LIBDIR) && cp -r lua/freehold $(LUADIR)"
        .. " && cp -r scripts $(LUADIR)/freehold"
        .. " && sed 's|@[A-Z_]*@|.|' tools/templates/freehold >$(BINDIR)/freehold",
}
