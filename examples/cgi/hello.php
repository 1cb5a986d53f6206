#!/usr/bin/php-cgi
<?php
$name = $_POST['name'] ?? $_GET['name'] ?? 'world';
if (isset($_GET['manual'])) {
    header('Location: https://www.php.net/manual/');
    exit;
}
http_response_code((int) ($_GET['status'] ?? 200));
header('Content-Type: text/plain');
setcookie('visits', (string) (1 + (int) ($_COOKIE['visits'] ?? 0)));
$script = basename($_SERVER['SCRIPT_FILENAME']);
$path = $_SERVER['PATH_INFO'] ?? '';
echo "Hello from PHP, $name. Your {$_SERVER['REQUEST_METHOD']} asked $script for $path.\n";
foreach ($_FILES as $file) {
    echo "{$file['name']} has {$file['size']} bytes.\n";
}
