# find_package(Freehold) gives the targets Freehold::freehold (the shared library) and
# Freehold::freehold_static (the archive). The prefix is found from this file, so it can be moved.

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
        INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()

unset(_freehold_prefix)
