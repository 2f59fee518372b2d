//! Arrow to geometry and back: the SQL functions of spatialmill. It never opens a file or a socket.
