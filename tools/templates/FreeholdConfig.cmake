# find_package(Freehold) gives the targets Freehold::freehold (the shared library),
# Freehold::freehold_static (the archive) and Freehold::freehold_script (the archives, with what
# runs policies inside, for programs that have a Lua 5.4 anyway). The first two open
# libfreehold_script.so.0 when a policy is loaded. The prefix is found from this file, so it can be
# moved.

get_filename_component(_freehold_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET Freehold::freehold)
    find_package(Threads REQUIRED)

    add_library(Freehold::freehold SHARED IMPORTED)
    set_target_properties(Freehold::freehold PROPERTIES
        IMPORTED_LOCATION "${_freehold_prefix}/lib/libfreehold.so.0"
        IMPORTED_SONAME "libfreehold.so.0"
        INTERFACE_INCLUDE_DIRECTORIES "${_freehold_prefix}/include")

    add_library(Freehold::freehold_static STATIC IMPORTED)
    set_target_properties(Freehold::freehold_static PROPERTIES
        IMPORTED_LOCATION "${_freehold_prefix}/lib/libfreehold.a"
        INTERFACE_INCLUDE_DIRECTORIES "${_freehold_prefix}/include"
        INTERFACE_LINK_LIBRARIES "Threads::Threads;zstd;${CMAKE_DL_LIBS}")

    add_library(Freehold::freehold_script STATIC IMPORTED)
    set_target_properties(Freehold::freehold_script PROPERTIES
        IMPORTED_LOCATION "${_freehold_prefix}/lib/libfreehold_script.a"
        INTERFACE_LINK_LIBRARIES "Freehold::freehold_static;@LUA_LIBS@m")
endif()

unset(_freehold_prefix)
