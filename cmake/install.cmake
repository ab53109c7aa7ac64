# cmake --install: headers, both libraries shared and static, the program, pkg-config, CMake package.
include(CMakePackageConfigHelpers)
install(DIRECTORY include/sinter ${GENERATED}/include/sinter DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(TARGETS sinter sinter_static sinter_onnx sinter_onnx_static EXPORT sinterTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS sinter-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
