# cmake --install: headers, both libraries shared and static, the program, pkg-config files and the
# CMake package: find_package(sinter) gives sinter::sinter, sinter::sinter_static, sinter::onnx and
# sinter::onnx_static.
include(CMakePackageConfigHelpers)
install(DIRECTORY include/sinter ${GENERATED}/include/sinter DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(TARGETS sinter sinter_static sinter_onnx sinter_onnx_static EXPORT sinterTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
# Tuning records, a file for each kind of device, as `sinter tune` wrote them.
install(DIRECTORY tuning/ DESTINATION ${CMAKE_INSTALL_DATADIR}/sinter/tuning FILES_MATCHING PATTERN "*.jsonl")
if(SINTER_TOOLS)
  install(TARGETS sinter-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(TARGETS sinter-builder RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/sinter)
endif()
install(FILES tools/man/sinter.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
if(SINTER_TOOLS)
  install(FILES ${GENERATED}/sinter.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY tools/examples DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.c")
# The header for hand-written kernels, to read: the library has it inside.
install(DIRECTORY cl/common DESTINATION ${CMAKE_INSTALL_DATADIR}/sinter/cl FILES_MATCHING PATTERN "*.cl")

set(SINTER_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/sinter)
install(EXPORT sinterTargets NAMESPACE sinter:: DESTINATION ${SINTER_CMAKE_DIR})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/sinterConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/sinterConfig.cmake
                              INSTALL_DESTINATION ${SINTER_CMAKE_DIR})
# Below 1.0 every minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/sinterConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/sinterConfig.cmake ${PROJECT_BINARY_DIR}/sinterConfigVersion.cmake
        DESTINATION ${SINTER_CMAKE_DIR})

# Paths relative to the file itself, so that `cmake --install --prefix` may choose the prefix.
file(RELATIVE_PATH SINTER_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
foreach(name sinter sinter-onnx)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
